"""BatchNorm that keeps its statistics: a pretrained network is not to forget them over a few new images."""

from typing import Any

import jax
from flax import nnx

from jaxconv.naming import named
from jaxconv.train.tuning.paths import dotted, matching, modules_by_name


# The one subclass of a layer here: whatever asks for an nnx.BatchNorm, such as inspect.save_torch, must still find one.
class FrozenBatchNorm(nnx.BatchNorm):
    """A BatchNorm in inference mode for good: `model.train()` does not reach it."""

    def __call__(self, x: jax.Array, use_running_average: bool | None = None, **options: Any) -> jax.Array:
        """Normalise by the running statistics, which stay what they are."""
        del use_running_average  # asked for by a caller who does not know that this layer is frozen
        return super().__call__(x, use_running_average=True, **options)


@named
def freeze_batch_norm(model: nnx.Module, pattern: str, *, frozen: bool = True) -> None:
    """Make the matching BatchNorm layers of `model` normalise by their running statistics, and keep these, for good.

    `model.train()`, which `fit` calls too, switches the dropout on and leaves these layers alone. Their `scale` and
    `bias` are parameters like others: freeze them, or do not, by `by_path`. A checkpoint does not say which layers
    were frozen: `load` gives ordinary ones.

    Args:
      model: changes in place; every array keeps its path.
      pattern: one text; matches paths such as `layer1.layers.0.bn1.mean` as in `by_path`; `"*"` is all.
      frozen: False makes them ordinary BatchNorm layers again.
    Raises:
      ValueError: if `pattern` matches no statistics.
      TypeError: if statistics belong to a layer that is no plain `nnx.BatchNorm` and must know itself how to keep them.
    Example:
      >>> resnet = create("resnet18", stem="cifar", width=4, rngs=nnx.Rngs(0))
      >>> freeze_batch_norm(resnet, "*")
      >>> careful = by_path({"*bn*": optax.set_to_zero(), "*": optax.sgd(1e-3)})
    """
    modules = modules_by_name(model)
    statistics = [dotted(path) for path in nnx.to_flat_state(nnx.state(model, nnx.BatchStat)).paths]
    owners = {name.rpartition(".")[0] for name in matching("freeze_batch_norm", pattern, statistics, "statistics")}
    for owner in sorted(owners):
        if type(modules[owner]) not in (nnx.BatchNorm, FrozenBatchNorm):
            raise TypeError(
                f"freeze_batch_norm: {owner!r} is of type {type(modules[owner]).__name__} and not nnx.BatchNorm; "
                f"its own code decides what it normalises by: leave it out of pattern={pattern!r}"
            )
    for owner in owners:
        # The class alone changes, so the layer keeps its arrays and its place, also where several modules share it.
        modules[owner].__class__ = FrozenBatchNorm if frozen else nnx.BatchNorm
