"""What a run learns on and how: words of its settings into the arguments of `fit`."""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from jaxconv.cli.config import Config
from jaxconv.cli.failure import Failure
from jaxconv.cli.kinds import split_data

if TYPE_CHECKING:
    import optax
    from jax.sharding import Mesh

    from jaxconv.data import Dataset

_CROP_PADDING = 4  # pixels, as for CIFAR in He et al. 2016
_MOMENTUM = 0.9


def load(config: Config, made_for: tuple[int, ...]) -> "Dataset":
    """Read the data; images that have no size by themselves get that of `made_for`: height, width, channels."""
    from jaxconv import data

    kind, place = split_data(config.data)
    height, width, channels = made_for
    if kind == "folder":
        return data.folder(place, size=(height, width), channels=channels)
    if kind == "digits":
        return data.digits(height)
    return {"mnist": data.mnist, "fashion": data.fashion, "arrays": data.arrays}[kind](place)


def optimizer(config: Config, images: int) -> "optax.GradientTransformation | optax.MultiSteps":
    """Return the optimiser with its schedule: a tenth of the steps warm up, then the rate falls to 0 as a cosine."""
    import optax

    # Optax counts the moves of the weights, of which MultiSteps makes one in several steps.
    steps = config.epochs * max(1, images // config.batch_size)
    moves = steps // config.accumulate
    if moves == 0:
        raise Failure(f"--accumulate {config.accumulate} is more than the {steps} steps of all epochs; choose less")
    rate = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, max(1, moves // 10), max(2, moves))
    decay = config.weight_decay
    rule = {
        "adamw": lambda: optax.adamw(rate, weight_decay=decay),
        "sgd": lambda: optax.chain(
            optax.add_decayed_weights(decay), optax.sgd(rate, momentum=_MOMENTUM, nesterov=True)
        ),
        "lamb": lambda: optax.lamb(rate, weight_decay=decay),
    }[config.optimizer]()
    if config.clip:
        rule = optax.chain(optax.clip_by_global_norm(config.clip), rule)
    return optax.MultiSteps(rule, every_k_schedule=config.accumulate) if config.accumulate > 1 else rule


def augment(config: Config, space: tuple[int, ...]) -> Callable[..., Any] | None:
    """Return the random changes of images of this height and width."""
    from jaxconv import data

    if config.augment == "none":
        return None
    known = {
        "shift": data.random_shift,
        "flip": data.random_flip,
        "d4": data.random_d4,
        "crop": partial(data.random_crop, size=space, padding=_CROP_PADDING, padding_mode="reflect"),
    }
    chosen = [known[word] for word in config.augment.split(",")]
    return chosen[0] if len(chosen) == 1 else data.chain(*chosen)


def mix(config: Config, classes: int) -> Callable[..., Any] | None:
    """Return what makes one image of two."""
    from jaxconv import data

    if config.mix == "none":
        return None
    return partial({"mixup": data.mixup, "cutmix": data.cutmix}[config.mix], num_classes=classes)


def mesh(config: Config) -> "Mesh | None":
    """Return the devices of all processes in the arrangement asked for."""
    import jax

    if config.mesh == "none":
        return None
    lengths = {name: int(length) for name, length in (axis.split("=") for axis in config.mesh.split(","))}
    wanted, there = math.prod(lengths.values()), jax.device_count()
    if wanted > there or (wanted < there and jax.process_count() > 1):
        raise Failure(
            f"--mesh {config.mesh} needs {wanted} device{'s' * (wanted > 1)} but there {'are' if there > 1 else 'is'} "
            f"{there}; choose a --mesh whose product is {there}"
        )
    return jax.make_mesh(tuple(lengths.values()), tuple(lengths), devices=jax.devices()[:wanted])
