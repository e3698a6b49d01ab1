"""Calls with names that other libraries use, answered with ours. Standard library only."""

import functools
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# What PyTorch, Keras, Flax Linen and lax call our arguments; the first of ours that the function has is suggested.
OTHER_NAMES = {
    "stride": ("strides",),
    "window_strides": ("strides",),
    "dilation": ("kernel_dilation", "window_dilation"),
    "dilation_rate": ("kernel_dilation", "window_dilation"),
    "rhs_dilation": ("kernel_dilation",),
    "lhs_dilation": ("input_dilation",),
    "groups": ("feature_group_count",),
    "in_channels": ("in_features",),
    "out_channels": ("out_features",),
    "features": ("out_features",),
    "filters": ("out_features",),
    "depth_multiplier": ("channel_multiplier",),
    "start_dim": ("rank",),
    "mode": ("padding_mode",),
    "axis": ("rank",),
    "bias": ("use_bias",),
    "weight": ("kernel",),
    "kernel_size": ("window_shape", "strides"),
    "window_shape": ("strides",),
    "pool_size": ("window_shape",),
    "output_size": ("output_shape",),
    "norm_type": ("p",),
    "order": ("p",),
    "group": ("symmetry",),
    "indices": ("offsets",),
    "polyphase_indices": ("offsets",),
    "filt_size": ("window_shape",),
    "key": ("rngs",),
    "rng": ("rngs",),
    "kernel_initializer": ("kernel_init",),
    "bias_initializer": ("bias_init",),
}


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Answer a keyword that `function` does not have, or an option without its keyword, with what was meant."""
    parameters = inspect.signature(function).parameters
    by_position = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_keyword = [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    where = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if len(args) > len(by_position):
            taken = ", ".join(name for name in by_position if name != "self")
            fix = f"write the others as {by_keyword[0]}=..." if by_keyword else "there are no others"
            raise TypeError(f"{where}: only {taken} may stand without a name; {fix}")
        for name in kwargs:
            if name not in parameters:
                ours = [known for known in OTHER_NAMES.get(name, ()) if known in parameters]
                ours += get_close_matches(name, parameters, n=1)
                options = ", ".join(n for n in parameters if n != "self")
                fix = f"use {ours[0]!r}" if ours else f"the arguments are {options}"
                raise TypeError(f"{where}: unknown argument {name!r}; {fix}")
        return function(*args, **kwargs)

    return checked
