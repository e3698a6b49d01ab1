"""Different optimisers for different parameters: small steps where a network has learned already, none where frozen."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import jax
import optax
from flax import nnx

from jaxconv.naming import named
from jaxconv.train.tuning.paths import matching


@named
def by_path(rules: Mapping[str, optax.GradientTransformation]) -> optax.GradientTransformationExtraArgs:
    """Return an Optax optimiser that gives each parameter to the first rule whose pattern matches its path.

    A path is a name such as `features.layers.0.kernel`; in a pattern `*` stands for any text, dots included, so
    `"features.*"` is all that `features` holds and `"*"` all the rest. The rules must leave out no parameter, and there
    must be no rule without one.

    `optax.set_to_zero()` freezes: its parameters have no optimiser state, weight decay of other rules does not reach
    them, and inside one `jax.jit`, as in `fit`, XLA removes the computation of their gradients. The running statistics
    of BatchNorm are no parameters: see `freeze_batch_norm`.

    Args:
      rules: a transformation for each pattern, the most particular pattern first. Each sees its own parameters only,
        so that `optax.clip_by_global_norm` in a rule clips the norm of these.
    Returns:
      `optax.partition` of the rules, for `fit`, for `nnx.Optimizer` or for any loop with Optax.
    Raises:
      TypeError: if `rules` is not a mapping from text to Optax transformations.
      ValueError: when the parameters are known, by `init`: if a pattern matches none of them, or only those of earlier
        rules, or if no pattern matches some parameter.
    Example:
      >>> frozen = by_path({"features.*": optax.set_to_zero(), "*": optax.adamw(1e-3)})
      >>> history = fit(model, data.train, optimizer=frozen, epochs=1, batch_size=32)

      Learning rates that fall from the head to the first layer, by a factor after the optimiser:

      >>> layers = ["classifier.*", "features.layers.3.*", "*"]
      >>> slower = by_path({layer: optax.scale(0.3**depth) for depth, layer in enumerate(layers)})
      >>> history = fit(model, data.train, optimizer=optax.chain(optax.adam(1e-3), slower), epochs=1, batch_size=32)
    """
    if not isinstance(rules, Mapping) or not rules:
        raise TypeError(f"by_path: rules={rules!r} must be a dictionary from patterns to Optax transformations")
    for pattern, rule in rules.items():
        if not isinstance(pattern, str):
            raise TypeError(f"by_path: pattern {pattern!r} must be one text, such as 'features.*'")
        if not isinstance(rule, optax.GradientTransformation):
            raise TypeError(
                f"by_path: the rule of {pattern!r} is {rule!r} but must be an Optax transformation, such as "
                f"optax.adam(1e-3), optax.scale(0.1) for a factor, or optax.set_to_zero() to freeze"
            )
    transforms: dict[Hashable, optax.GradientTransformation] = {**rules}
    patterns = tuple(rules)

    def labels(parameters: Any) -> Any:
        # A variable of Flax is one parameter, not a tree with a `value`.
        places, tree = jax.tree.flatten_with_path(parameters, is_leaf=lambda node: isinstance(node, nnx.Variable))
        rule_of = _assign(patterns, [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in places])
        return jax.tree.unflatten(tree, rule_of)

    return optax.partition(transforms, labels)


def _assign(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the pattern that each name belongs to."""
    rule_of: dict[str, str] = {}
    for pattern in patterns:
        found = matching("by_path", pattern, names, "parameter")
        if all(name in rule_of for name in found):
            raise ValueError(
                f"by_path: pattern {pattern!r} is left without parameters, because the first match decides and "
                f"{rule_of[found[0]]!r} stands before it; put {pattern!r} first"
            )
        rule_of = dict.fromkeys(found, pattern) | rule_of
    left = [name for name in names if name not in rule_of]
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise ValueError(
            f"by_path: no pattern matches the parameter {left[0]!r}{more}; "
            f"add '*' as the last one, with optax.set_to_zero() to freeze the rest"
        )
    return [rule_of[name] for name in names]
