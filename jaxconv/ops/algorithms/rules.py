"""Where each algorithm beats `lax` on CPU, in pure JAX: the first rule that applies wins.

The figures are times relative to `lax` (medians of interleaved rounds on 2 cores of an AMD EPYC with AVX2, jax 0.10.2),
for the data's or the weights' gradient where one is meant. Where `lax` was close, or won on some shape, it stays: its
convolutions of two axes without groups are fast in all floating dtypes, and what is left are the shapes that fall
through to its naive loops. Half-precision floats, hardly measured, are left to it but for depthwise kernels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp

from jaxconv.ops.algorithms.blocks import together
from jaxconv.ops.algorithms.conditions import (
    between,
    channels,
    dense,
    far,
    few_sums,
    grouped,
    half,
    holes,
    integer,
    long,
    plain,
    rgb,
    single,
    slow,
    strided_weights,
    tiles,
    tiny,
    wide_weights,
)
from jaxconv.ops.algorithms.problem import Problem


@dataclass(frozen=True)
class Rule:
    """Use `method` where `applies`, because of `why`."""

    method: str
    why: str
    applies: Callable[[Problem], bool]


CPU: tuple[Rule, ...] = (
    Rule(
        "taps",
        "depthwise-3x3 0.04, its data gradient with strides 0.01, depthwise-1d with 4 taps 0.02; XLA's loop is naive",
        lambda p: p.depthwise and p.solve != "kernel" and p.taps <= 64,
    ),
    Rule(
        "taps",
        "depthwise-3x3 0.08, at batch 16 0.02, with two outputs a channel 0.002; below 2^13 products lax is faster",
        lambda p: p.depthwise and p.solve == "kernel" and p.taps <= 64 and p.macs >= 2**13,
    ),
    Rule(
        "fft",
        "depthwise with 1,024 taps 0.01, 8 channels and 1,024 taps 0.02 to 0.08, 4 channels and 31x31 0.04; rounds",
        long,
    ),
    Rule(
        "phases",
        "strided data gradients: 3x3x3 0.03 to 0.17, grouped 0.06 to 0.39, members 0.3 to 0.5, 1,024 taps by 256 0.14",
        lambda p: (
            holes(p) and not half(p) and (single(p) or p.groups == 1) and (not dense(p) or len(p.axes) > 2 or far(p))
        ),
    ),
    Rule(
        "gemm",
        "1x1 weights: 0.14 to 0.36 from 64 channels, float64 0.19, complex128 0.28, int32 0.05, 4x4 pixels 0.9",
        lambda p: p.solve == "kernel" and p.taps == 1 and not half(p),
    ),
    Rule(
        "gemm",
        "1x1: 0.55 to 0.94 from 2^25 products on; complex numbers lose",
        lambda p: p.solve != "kernel" and p.taps == 1 and dense(p) and single(p) and p.macs >= 2**25,
    ),
    Rule(
        "taps",
        "lenet-conv1 0.2, 1 to 8 channels 0.11, 3 to 8 0.28, 1 to 32 0.54, complex64 0.11; 3 to 32 channels lose",
        lambda p: dense(p) and tiny(p),
    ),
    Rule(
        "chunks",
        "weights of many kernels: float64 0.001 to 0.06, 128 channels 0.33, 8 channels 0.5; 1 channel of float32 loses",
        lambda p: p.solve == "kernel" and p.members > 1 and not half(p) and (not single(p) or p.c_in >= 4 * p.groups),
    ),
    Rule(
        "gemm",
        "many kernels: 128 channels 0.22, 48 0.8, 16 0.6 to 0.9, 8 0.5 to 0.8, complex128 0.6; 32 channels are at par",
        lambda p: p.solve != "kernel" and p.members > 1 and not half(p) and not (single(p) and between(p)),
    ),
    Rule(
        "blocks",
        "two groups of 48 channels, 5x5, 0.16; 32 groups of 4 at batch 16 0.21, of 8 0.7; many blocks compile for long",
        lambda p: grouped(p) and p.macs >= 2**22 and p.groups <= 8 * together(p),
    ),
    Rule(
        "gemm",
        "grouped-3x3 0.5, data 0.5; groups of more channels lose on some shapes, as do float64 and 1x1",
        lambda p: grouped(p) and p.macs < 2**22 and max(channels(p)) <= 4,
    ),
    Rule(
        "chunks",
        "grouped-3x3 weights 0.59, at batch 16 0.2; stride 2 is as fast in lax",
        lambda p: p.groups > 1 and not p.depthwise and not half(p) and p.solve == "kernel" and plain(p),
    ),
    Rule(
        "gemm",
        "volume-3d 0.53, 32 channels 0.75 to 0.96, 1 channel 0.08, float64 0.3; data of 1 channel lose",
        lambda p: len(p.axes) > 2 and dense(p) and p.solve != "kernel" and channels(p)[1] >= 4,
    ),
    Rule(
        "gemm",
        "volume weights of 1 channel: 0.25, in chunks 0.35",
        lambda p: len(p.axes) > 2 and dense(p) and p.solve == "kernel" and p.c_in <= 2,
    ),
    Rule(
        "chunks",
        "volume-3d weights 0.12, 32 channels 0.18, 64 channels 0.2, stride 2 0.13",
        lambda p: len(p.axes) > 2 and dense(p) and p.solve == "kernel",
    ),
    Rule(
        "gemm",
        "one axis in float64: 32 channels 0.11, 8 channels 0.43; complex128 0.21, int32 0.36",
        lambda p: len(p.axes) == 1 and slow(p) and p.solve != "kernel" and not holes(p),
    ),
    Rule(
        "chunks",
        "one axis in float64, weights: 32 channels 0.09, 8 channels 0.32; complex128 0.15, int32 0.12",
        lambda p: len(p.axes) == 1 and slow(p) and p.solve == "kernel",
    ),
    Rule(
        "gemm",
        "complex128: 8 channels 0.35 to 0.9, 4 to 16 channels 0.33; 32 channels lose",
        lambda p: dense(p) and p.dtype == jnp.complex128 and plain(p) and p.solve != "kernel" and few_sums(p),
    ),
    Rule(
        "gemm",
        "int32: 3x3-128 0.08, 32 channels 0.2, stride 2 0.09; 8 channels are at par and 1 loses in the data gradient",
        lambda p: integer(p) and p.solve != "kernel" and not holes(p) and min(p.c_in, p.c_out) >= 16,
    ),
    Rule(
        "chunks",
        "int32 weights: 3x3-128 0.05, 32 channels 0.3, 8 channels 0.5 to 0.9",
        lambda p: integer(p) and p.solve == "kernel",
    ),
    Rule(
        "gemm",
        "patches: 2x2 0.35 and 16x16 0.79, weights; 16x16 0.64 forward",
        lambda p: dense(p) and single(p) and tiles(p) and p.solve != "x" and p.macs >= 2**24,
    ),
    Rule(
        "gemm",
        "rgb-3x3 weights 0.3 to 0.6; at batch 2 as fast as lax",
        lambda p: dense(p) and single(p) and plain(p) and p.solve == "kernel" and p.c_in <= 4 and rgb(p),
    ),
    Rule(
        "chunks",
        "3x3-64 weights 0.48, at batch 32 0.11, 3x3-128 0.53, 512 channels of 7x7 0.85; with less to do lax is close",
        lambda p: len(p.axes) == 2 and dense(p) and single(p) and p.solve == "kernel" and wide_weights(p),
    ),
    Rule(
        "chunks",
        "3x3-stride2 weights 0.63 to 0.82 on three shapes; 4x4 and 7x7 windows lose",
        lambda p: len(p.axes) == 2 and dense(p) and single(p) and p.solve == "kernel" and strided_weights(p),
    ),
)

# With oneDNN. Times are relative to its own, on the same machine.
NATIVE: tuple[Rule, ...] = (
    Rule("fft", "wave-1d-long 0.15, its weights have no fast primitive; depthwise-1d-long 0.7, its weights 0.08", long),
    Rule(
        "phases",
        "data gradients of strides of 16 or more: patch-16x16 0.12, transposed-1d-long 0.4",
        lambda p: holes(p) and far(p) and dense(p) and single(p),
    ),
    Rule(
        "taps",
        "depthwise-3x3-dilation2 weights 0.23 and data 0.3; weights of depthwise-1d-batch32 0.7",
        lambda p: (
            p.depthwise
            and single(p)
            and p.members == 1
            and p.solve != "out"
            and p.taps <= 64
            and (any(axis.kernel_dilation > 1 for axis in p.axes) or (len(p.axes) == 1 and p.solve == "kernel"))
        ),
    ),
    Rule(
        "xla",
        "weights of one axis: wave-1d-32 0.5, wave-1d 0.6, dilated-1d 0.8",
        lambda p: (
            len(p.axes) == 1
            and p.solve == "kernel"
            and (p.taps >= 32 or p.axes[0].kernel_dilation > 1)
            and dense(p)
            and single(p)
            and plain(p)
        ),
    ),
    Rule(
        "joined",
        "8 to 64 strided groups of 2 to 6 channels, which oneDNN computes by matrices of windows: grouped-3x3-stride2 "
        "0.41, at batch 8 0.25, 3 channels 0.38 to 0.74; two groups of 7 lose, and 2 to 32 channels",
        lambda p: grouped(p) and p.groups >= 8 and max(channels(p)) <= 6,
    ),
    Rule(
        "native",
        "of 55 cases the others are faster only as above; kernels of fewer than 2^20 products each take half in JAX",
        lambda p: p.members == 1 or p.macs >= p.members * 2**20,
    ),
    *CPU,
)
