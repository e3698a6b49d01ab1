"""`python -m jaxconv train`: from nothing to a network that reads digits, or whatever it is shown."""

import argparse
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxconv.cli import info
from jaxconv.cli.choice import choose
from jaxconv.cli.config import Config
from jaxconv.cli.failure import Failure, require, sentences
from jaxconv.cli.networks import abstract

if TYPE_CHECKING:
    from flax import nnx
    from jax.sharding import Mesh

    from jaxconv.data import Dataset
    from jaxconv.train import History


def run(arguments: argparse.Namespace) -> None:
    """Train, score, save, and say what to do next."""
    config, folder = choose(arguments)
    require(sklearn="scikit-learn", matplotlib="matplotlib", PIL="pillow")

    # Slow imports wait until the command is known to make sense.
    import jax

    from jaxconv import train
    from jaxconv.cli import learning, leaving, runs, trainable

    if config.tensorboard:
        require(tensorboardX="tensorboardX")
    config = _join(arguments, config)
    mesh = learning.mesh(config)
    say = _say if jax.process_index() == 0 else lambda _: None
    if not arguments.resume:
        runs.check_new(folder, restart=arguments.restart)
    with sentences():
        prototype = abstract(config.model)
        dataset = learning.load(config, trainable.made_for(prototype, config.size))
    model, made_with = trainable.fitted(config, prototype, dataset.train.images.shape[1:], len(dataset.class_names))
    parameters = sum(leaf.size for leaf in jax.tree.leaves(_parameters(model)))
    counts = [len(part.labels) for part in (dataset.train, dataset.validation, dataset.test)]
    say(
        f"{config.model}: {parameters:,} parameters; {counts[0]} images to train on, {counts[1]} to validate, "
        f"{counts[2]} to test"
    )
    if jax.default_backend() == "cpu":
        say(f"convolutions: {info.backend()}")
    _open(folder, config, anew=not arguments.resume)
    if arguments.resume:
        newest = max(runs.steps(folder), default=0)
        say(f"goes on after step {newest}" if newest else "no step was saved: begins anew")
    history = _fit(model, dataset, config, folder, mesh, say)
    if config.patience:
        with sentences():
            train.restore_model(model, folder / runs.SNAPSHOTS, which="best")
    if jax.process_index() == 0:
        checkpoint = train.Checkpoint(
            model, config.model, dataset.train.images.shape[1:], dataset.class_names, made_with
        )
        with sentences():
            leaving.write(folder, checkpoint, history, dataset, best=config.patience > 0)


def _join(arguments: argparse.Namespace, config: Config) -> Config:
    """Join the other processes, if there are any, and share the work among all devices unless it was said how."""
    if not arguments.distributed:
        return config
    import jax

    from jaxconv import train

    try:
        train.distributed(coordinator=arguments.coordinator, processes=arguments.processes, index=arguments.index)
    except (ValueError, RuntimeError) as error:
        raise Failure(str(error)) from error
    return config if config.mesh != "none" else replace(config, mesh=f"data={jax.device_count()}")


def _open(folder: Path, config: Config, *, anew: bool) -> None:
    """Let one process prepare the folder, when all have looked at it."""
    import jax
    from jax.experimental.multihost_utils import sync_global_devices

    from jaxconv.cli import runs

    several = jax.process_count() > 1
    if several:
        sync_global_devices("looked at the folder")
    if jax.process_index() == 0:
        with sentences():
            if anew:
                runs.discard(folder)
            runs.begin(folder, config)
    if several:
        sync_global_devices("prepared the folder")


def _fit(
    model: "nnx.Module",
    dataset: "Dataset",
    config: Config,
    folder: Path,
    mesh: "Mesh | None",
    say: Callable[[str], None],
) -> "History":
    import jax

    from jaxconv import train
    from jaxconv.cli import learning, runs

    callbacks: list[Callable[[History], Any]] = [lambda history: say(_line(history, config.epochs))]
    try:
        with sentences():
            if config.tensorboard and jax.process_index() == 0:
                callbacks.append(train.tensorboard(folder / runs.TENSORBOARD))
            if config.patience:
                callbacks.append(train.early_stopping("validation_loss", patience=config.patience))
            return train.fit(
                model,
                dataset.train,
                optimizer=learning.optimizer(config, len(dataset.train.labels)),
                epochs=config.epochs,
                batch_size=config.batch_size,
                validation=dataset.validation,
                loss=partial(train.cross_entropy, label_smoothing=config.label_smoothing),
                metrics=[train.accuracy],
                augment=learning.augment(config, dataset.train.images.shape[1:3]),
                mix=learning.mix(config, len(dataset.class_names)),
                ema=config.ema or None,
                seed=config.seed,
                mesh=mesh,
                fsdp=config.fsdp,
                checkpoint=train.Snapshots(
                    folder / runs.SNAPSHOTS, every=config.snapshot_every or None, best="validation_loss"
                ),
                callbacks=callbacks,
            )
    except train.NotFinite as error:
        raise Failure(
            f"the loss of epoch {error.epoch}, step {error.step} is not finite; first not finite: {error.place}; "
            f"try a smaller --learning-rate or --clip 1{', and --restart' if runs.steps(folder) else ''}"
        ) from error
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        raise Failure(
            f"another process has stopped ({str(error).splitlines()[0]}); "
            f"start all again with --resume {shlex.quote(str(folder))} instead of the other options of the run"
        ) from error
    except KeyboardInterrupt:
        if runs.steps(folder):
            raise Failure(
                f"stopped; to go on: python -m jaxconv train --resume {shlex.quote(str(folder))}", code=130
            ) from None
        raise


def _line(history: "History", epochs: int) -> str:
    row = history.rows[-1]
    return (
        f"epoch {row['epoch']:{len(str(epochs))}}/{epochs}: "
        f"loss {row['train_loss']:.4f}, validation {row['validation_loss']:.4f}; "
        f"accuracy {row['train_accuracy']:.4f}, validation {row['validation_accuracy']:.4f}"
    )


def _parameters(model: "nnx.Module") -> Any:
    from flax import nnx

    return nnx.state(model, nnx.Param)


def _say(line: str) -> None:
    print(line, flush=True)
