"""Every wrong call a user makes gets a sentence that mends it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxconv as jc
from jaxconv import nn

x = jnp.ones((8, 8, 3))
k = jnp.ones((3, 3, 3, 4))
r = nn.Rngs(0)

WRONG = [
    (
        lambda: jc.conv(jnp.ones((8, 8, 5)), k),
        ValueError,
        "conv: kernel expects c_in=3 but x has 5 channels (x.shape=(8, 8, 5), kernel.shape=(3, 3, 3, 4))",
    ),
    (
        lambda: jc.conv(jnp.ones((2, 3, 8, 8)), k),
        ValueError,
        "conv: kernel expects c_in=3 but x has 8 channels (x.shape=(2, 3, 8, 8), kernel.shape=(3, 3, 3, 4)); is x channels-first? move them with jnp.moveaxis(x, -3, -1)",
    ),
    (
        lambda: jc.conv(jnp.ones((3, 8, 8)), k),
        ValueError,
        "conv: kernel expects c_in=3 but x has 8 channels (x.shape=(3, 8, 8), kernel.shape=(3, 3, 3, 4)); is x channels-first? move them with jnp.moveaxis(x, -3, -1)",
    ),
    (
        lambda: jc.conv(jnp.ones((8, 8)), jnp.ones((3, 3, 1, 4))),
        ValueError,
        "conv: x needs 2 spatial axes and channels last, (*batch, *space, c), but has shape (8, 8); add the channel axis with x[..., None]",
    ),
    (
        lambda: jc.conv(jnp.ones((32, 8, 8)), jnp.ones((3, 3, 1, 4))),
        ValueError,
        "conv: kernel expects c_in=1 but x has 8 channels (x.shape=(32, 8, 8), kernel.shape=(3, 3, 1, 4)); has x no channel axis? add it with x[..., None]",
    ),
    (
        lambda: jc.conv(x, jnp.ones((4, 3, 5, 5))),
        ValueError,
        "conv: kernel expects c_in=5 but x has 3 channels (x.shape=(8, 8, 3), kernel.shape=(4, 3, 5, 5)); is the kernel in PyTorch's order? use jnp.transpose(kernel, (2, 3, 1, 0))",
    ),
    (
        lambda: jc.conv(x, jnp.ones((3, 3))),
        ValueError,
        "conv: kernel must have at least 3 axes, *window c_in/groups c_out, but has shape (3, 3); use dense for a kernel without window",
    ),
    (
        lambda: jc.conv(x, jnp.ones((3,))),
        ValueError,
        "conv: kernel must have at least 3 axes, *window c_in/groups c_out, but has shape (3,)",
    ),
    (lambda: jc.conv(x, k[..., :0]), ValueError, "conv: kernel must not be empty but has shape (3, 3, 3, 0)"),
    (
        lambda: jc.conv(x, jnp.ones((3, 3, 3, 4)), feature_group_count=3),
        ValueError,
        "conv: kernel expects c_in=9 = 3 x 3 groups but x has 3 channels (x.shape=(8, 8, 3), kernel.shape=(3, 3, 3, 4)); with 3 groups the kernel holds c_in/groups=1 input channels",
    ),
    (
        lambda: jc.conv(x, jnp.ones((3, 3, 1, 4)), feature_group_count=3),
        ValueError,
        "conv: feature_group_count=3 must divide c_out=4 (x.shape=(8, 8, 3), kernel.shape=(3, 3, 1, 4)); every group makes an equal share of the channels",
    ),
    (lambda: jc.conv(x, k, feature_group_count=0), ValueError, "conv: feature_group_count=0 must be at least 1"),
    (lambda: jc.conv(x, k, feature_group_count=1.5), TypeError, "conv: feature_group_count=1.5 must be a whole number"),
    (
        lambda: jc.conv(jnp.ones((2, 2, 3)), k, padding="VALID"),
        ValueError,
        "conv: the window spans 3 pixels but spatial axis 0 has only 2 (size 2, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda: jc.conv(x, k, kernel_dilation=5, padding="VALID"),
        ValueError,
        "conv: the window spans 11 pixels but spatial axis 0 has only 8 (size 8, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda: jc.conv(x, k, padding="VALID", strides=2, exact=True),
        ValueError,
        "conv: exact=True but windows of 3 at stride 2 do not tile the 8 padded pixels of spatial axis 0: 5 / 2 is not whole; use size 7 or 9, or drop exact to ignore the last 1",
    ),
    (lambda: jc.conv(x, k, strides=0), ValueError, "conv: strides=0 must be at least 1"),
    (lambda: jc.conv(x, k, strides=-1), ValueError, "conv: strides=-1 must be at least 1"),
    (lambda: jc.conv(x, k, strides=1.5), TypeError, "conv: strides=1.5 must be a whole number"),
    (lambda: jc.conv(x, k, strides=True), TypeError, "conv: strides=True must be a whole number"),
    (
        lambda: jc.conv(x, k, strides=(2, 2, 2)),
        ValueError,
        "conv: strides=(2, 2, 2) has 3 entries but the window has 2 spatial axes; give one int or 2 of them",
    ),
    (lambda: jc.conv(x, k, strides="2"), TypeError, "conv: strides='2' must be a whole number"),
    (
        lambda: jc.conv(x, k, padding=-1),
        ValueError,
        "conv: padding=-1 must be at least 0; crop the input by slicing instead",
    ),
    (
        lambda: jc.conv(x, k, padding=1.5),
        TypeError,
        "conv: padding=1.5 has an entry 1.5; an axis takes an int, a pair (lo, hi) or a word such as 'SAME'",
    ),
    (lambda: jc.conv(x, k, padding="smae"), ValueError, "conv: unknown padding 'smae'; use 'SAME'"),
    (lambda: jc.conv(x, k, padding="circularr"), ValueError, "conv: unknown padding 'circularr'; use 'CIRCULAR'"),
    (
        lambda: jc.conv(x, k, padding="EDGE"),
        ValueError,
        "conv: unknown padding 'EDGE'; use padding_mode='edge' with padding='SAME' or an amount",
    ),
    (
        lambda: jc.conv(x, k, padding="wrap"),
        ValueError,
        "conv: unknown padding 'wrap'; use padding_mode='circular' with padding='SAME' or an amount",
    ),
    (
        lambda: jc.conv(x, k, padding="nonsense"),
        ValueError,
        "conv: unknown padding 'nonsense'; use one of 'VALID', 'SAME', 'FULL', 'CAUSAL', 'CIRCULAR', 'REFLECT'",
    ),
    (
        lambda: jc.conv(x, k, padding=None),
        TypeError,
        "conv: padding=None has an entry None; an axis takes an int, a pair (lo, hi) or a word such as 'SAME'",
    ),
    (
        lambda: jc.conv(x, k, padding=((1, 1),)),
        ValueError,
        "conv: padding=((1, 1),) has 1 entries but the window has 2 spatial axes; give one value for all, or one per axis",
    ),
    (
        lambda: jc.conv(x, k, padding=((1, 1, 1), 0)),
        ValueError,
        "conv: padding=((1, 1, 1), 0) has an entry (1, 1, 1); an axis takes an int or (lo, hi)",
    ),
    (
        lambda: jc.conv(jnp.ones((8, 3)), k[0], padding=(1, 2)),
        ValueError,
        "conv: padding=(1, 2) has 2 entries but the window has 1 spatial axis; write ((1, 2),) for (lo, hi)",
    ),
    (lambda: jc.conv(x, k, padding_mode="replicate"), ValueError, "conv: unknown padding_mode 'replicate'; use 'edge'"),
    (lambda: jc.conv(x, k, padding_mode="circulr"), ValueError, "conv: unknown padding_mode 'circulr'; use 'circular'"),
    (
        lambda: jc.conv(x, k, padding_mode=None),
        ValueError,
        "conv: unknown padding_mode None; use one of 'zeros', 'circular', 'reflect', 'symmetric', 'edge'",
    ),
    (
        lambda: jc.conv(x, k, padding_mode=("circular",)),
        ValueError,
        "conv: padding_mode=('circular',) has 1 entries but the window has 2 spatial axes; give one string for all, or one per axis",
    ),
    (
        lambda: jc.conv(x, k, padding="CIRCULAR", padding_mode="reflect"),
        ValueError,
        "conv: padding='CIRCULAR' already means padding_mode='circular' but got padding_mode='reflect'; use padding='SAME' with the mode you want",
    ),
    (
        lambda: jc.conv(jnp.ones((1, 8, 3)), k, padding_mode="reflect"),
        ValueError,
        "conv: padding_mode='reflect' needs at least 2 pixels but spatial axis 0 has size 1; use 'symmetric' or 'edge'",
    ),
    (lambda: jc.conv(x, k, stride=2), TypeError, "conv: unknown argument 'stride'; use 'strides'"),
    (lambda: jc.conv(x, k, dilation=2), TypeError, "conv: unknown argument 'dilation'; use 'kernel_dilation'"),
    (lambda: jc.conv(x, k, groups=3), TypeError, "conv: unknown argument 'groups'; use 'feature_group_count'"),
    (lambda: jc.conv(x, k, window_strides=2), TypeError, "conv: unknown argument 'window_strides'; use 'strides'"),
    (lambda: jc.conv(x, k, strids=2), TypeError, "conv: unknown argument 'strids'; use 'strides'"),
    (
        lambda: jc.conv(x, k, colour=2),
        TypeError,
        "conv: unknown argument 'colour'; the arguments are x, kernel, bias, strides, padding, padding_mode, input_dilation, kernel_dilation, feature_group_count, exact, method, precision, preferred_element_type",
    ),
    (
        lambda: jc.conv(x, k, bias=jnp.ones(3)),
        ValueError,
        "conv: bias must hold one number for each of the 4 output channels, shape (4,), but has shape (3,)",
    ),
    (lambda: jc.conv(x, k, bias=1.0), TypeError, "conv: bias must be an array, got float; wrap it in jnp.asarray"),
    (
        lambda: jc.conv(x, k, bias=1j * jnp.ones(4)),
        TypeError,
        "conv: bias is complex64 but the output is float32; give a kernel or a preferred_element_type of the bias's kind",
    ),
    (
        lambda: jc.conv(x, k, method="fast"),
        ValueError,
        "conv: unknown method 'fast'; use None for the fastest or one of 'einsum', 'xla', 'gemm', 'taps', 'blocks', 'joined', 'phases', 'fft', 'native', 'split'",
    ),
    (lambda: jc.conv([[1.0]], k), TypeError, "conv: x must be an array, got list; wrap it in jnp.asarray"),
    (lambda: jc.conv(None, k), TypeError, "conv: x must be an array, got NoneType; wrap it in jnp.asarray"),
    (lambda: jc.conv(x, "edges"), TypeError, "conv: kernel must be an array, got str; wrap it in jnp.asarray"),
    (lambda: jc.conv(object(), k), TypeError, "conv: x must be a JAX or NumPy array of numbers, got object"),
    (
        lambda: jc.conv(x, 1j * k, preferred_element_type=jnp.float32),
        TypeError,
        "conv: preferred_element_type=float32 cannot hold the products of float32 and complex64; leave it out or use one of the complex numbers",
    ),
    (
        lambda: jc.conv(x, k, preferred_element_type=jnp.int32),
        TypeError,
        "conv: preferred_element_type=int32 cannot hold the products of float32 and float32; leave it out or use one of the real numbers",
    ),
    (
        lambda: jc.conv_transpose(x, k),
        ValueError,
        "conv_transpose: kernel expects c_in=4 but x has 3 channels (x.shape=(8, 8, 3), kernel.shape=(3, 3, 3, 4)); the kernel is the one conv would take, from c_out to c_in: use jnp.swapaxes(kernel, -1, -2)",
    ),
    (
        lambda: jc.conv_transpose(jnp.ones((8, 8, 4)), k, strides=2, output_padding=2, padding=0),
        ValueError,
        "conv_transpose: no input of conv gives 8 outputs with output_padding=2 on spatial axis 0 (window 3, stride 2, padding 0); output_padding may be 0 to 1",
    ),
    (
        lambda: jc.conv_transpose(jnp.ones((2, 2, 4)), k, input_dilation=2, padding="VALID"),
        ValueError,
        "conv_transpose: no input of conv gives 2 outputs on spatial axis 0 (window 3, stride 1, padding 'VALID'); change the padding or the window",
    ),
    (
        lambda: jc.conv_transpose(jnp.ones((8, 8, 4)), k, output_padding=-1),
        ValueError,
        "conv_transpose: output_padding=-1 must be at least 0",
    ),
    (
        lambda: jc.conv_transpose(jnp.ones((1, 1, 4)), k, padding=3),
        ValueError,
        "conv_transpose: no input of conv gives 1 outputs on spatial axis 0 (window 3, stride 1, padding 3); change the padding or the window",
    ),
    (
        lambda: jc.conv_transpose(x, jnp.ones((3, 3, 2, 3)), feature_group_count=2),
        ValueError,
        "conv_transpose: feature_group_count=2 must divide c_in=3 (x.shape=(8, 8, 3), kernel.shape=(3, 3, 2, 3)); every group makes an equal share of the channels",
    ),
    (
        lambda: jc.conv_transpose(x, k, exact=True),
        TypeError,
        "conv_transpose: unknown argument 'exact'; the arguments are x, kernel, bias, strides, padding, padding_mode, output_padding, input_dilation, kernel_dilation, feature_group_count, method, precision, preferred_element_type",
    ),
    (
        lambda: jc.separable_conv(x, jnp.ones((3, 3, 3, 6)), jnp.ones((1, 1, 6, 4))),
        ValueError,
        "separable_conv: depthwise_kernel must be *window 1 c_mid, but has shape (3, 3, 3, 6)",
    ),
    (
        lambda: jc.separable_conv(x, jnp.ones((3, 3, 1, 6)), jnp.ones((1, 1, 3, 4))),
        ValueError,
        "separable_conv: pointwise_kernel must be 1 1 6 c_out to follow a depthwise_kernel of shape (3, 3, 1, 6), but has shape (1, 1, 3, 4)",
    ),
    (
        lambda: jc.local_conv(x, jnp.ones((6, 6, 3, 3, 3))),
        ValueError,
        "local_conv: kernel must be *space_out *window c_in c_out, but has shape (6, 6, 3, 3, 3)",
    ),
    (
        lambda: jc.local_conv(x, jnp.ones((5, 6, 3, 3, 3, 4))),
        ValueError,
        "local_conv: kernel is made for (5, 6) output pixels and 3 channels but x gives (6, 6) and 3 (x.shape=(8, 8, 3), kernel.shape=(5, 6, 3, 3, 3, 4))",
    ),
    (
        lambda: jc.local_conv(x, jnp.ones((6, 6, 3, 3, 3, 4)), bias=jnp.ones((6, 4))),
        ValueError,
        "local_conv: bias must hold one number for each of the 4 output channels, shape (4,), but has shape (6, 4)",
    ),
    (
        lambda: jc.max_pool(x, 2),
        TypeError,
        "max_pool: window_shape=2 must be a tuple, one entry per spatial axis; write (2, 2) for images, (2,) for sequences",
    ),
    (lambda: jc.max_pool(x, ()), ValueError, "max_pool: window_shape=() has no spatial axis; give one entry for each"),
    (lambda: jc.max_pool(x, (2, 0)), ValueError, "max_pool: window_shape=(2, 0) must be at least 1, got 0"),
    (
        lambda: jc.max_pool(x, (9, 9)),
        ValueError,
        "max_pool: the window spans 9 pixels but spatial axis 0 has only 8 (size 8, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda: jc.max_pool(x, (2, 2), padding=2),
        ValueError,
        "max_pool: output pixel 0 of spatial axis 0 would see only padding (window 2, padding 2 + 2, size 8); pad by less than the window",
    ),
    (
        lambda: jc.max_pool(x, (3, 3), strides=2, exact=True),
        ValueError,
        "max_pool: exact=True but windows of 3 at stride 2 do not tile the 8 padded pixels of spatial axis 0: 5 / 2 is not whole; use size 7 or 9, or drop exact to ignore the last 1",
    ),
    (
        lambda: jc.max_pool(x, kernel_size=(2, 2)),
        TypeError,
        "max_pool: unknown argument 'kernel_size'; use 'window_shape'",
    ),
    (lambda: jc.max_pool(x, (2, 2), stride=2), TypeError, "max_pool: unknown argument 'stride'; use 'strides'"),
    (
        lambda: jc.max_pool(x, (2, 2), dilation=2),
        TypeError,
        "max_pool: unknown argument 'dilation'; use 'window_dilation'",
    ),
    (
        lambda: jc.max_pool(1j * x, (2, 2)),
        TypeError,
        "max_pool: x is complex64 but complex numbers have no order; pool jnp.abs(x) instead",
    ),
    (
        lambda: jc.max_pool(jnp.ones((8, 8)), (2, 2)),
        ValueError,
        "max_pool: x needs 2 spatial axes and channels last, (*batch, *space, c), but has shape (8, 8); add the channel axis with x[..., None]",
    ),
    (
        lambda: jc.avg_pool(jnp.ones(8), (2, 2)),
        ValueError,
        "avg_pool: x needs 2 spatial axes and channels last, (*batch, *space, c), but has shape (8,)",
    ),
    (
        lambda: jc.lp_pool(x, (2, 2), p=0.5),
        ValueError,
        "lp_pool: p=0.5 must be at least 1 and finite; use max_pool(jnp.abs(x), ...) for the limit",
    ),
    (
        lambda: jc.lp_pool(x, (2, 2), p=float("inf")),
        ValueError,
        "lp_pool: p=inf must be at least 1 and finite; use max_pool(jnp.abs(x), ...) for the limit",
    ),
    (lambda: jc.lp_pool(x, (2, 2), norm_type=2), TypeError, "lp_pool: unknown argument 'norm_type'; use 'p'"),
    (
        lambda: jc.global_avg_pool(jnp.ones((8, 3))),
        ValueError,
        "global_avg_pool: x needs 2 spatial axes and channels last, (*batch, *space, c), but has shape (8, 3); add the channel axis with x[..., None]",
    ),
    (lambda: jc.global_max_pool(x[:0]), ValueError, "global_max_pool: x has no pixels to pool (x.shape=(0, 8, 3))"),
    (
        lambda: jc.adaptive_avg_pool(x, 7),
        TypeError,
        "adaptive_avg_pool: output_shape=7 must be a tuple, one entry per spatial axis; write (7, 7) for images, (7,) for sequences",
    ),
    (
        lambda: jc.adaptive_avg_pool(x, (7, 0)),
        ValueError,
        "adaptive_avg_pool: output_shape=(7, 0) must be at least 1, got 0",
    ),
    (
        lambda: jc.adaptive_max_pool(x, output_size=(7, 7)),
        TypeError,
        "adaptive_max_pool: unknown argument 'output_size'; use 'output_shape'",
    ),
    (
        lambda: jc.pad(x, 1),
        TypeError,
        "pad: padding=1 must be a tuple with one int or (lo, hi) per spatial axis, such as (1, 1) for images",
    ),
    (
        lambda: jc.pad(x, ((1, 1), -1)),
        ValueError,
        "pad: padding=((1, 1), -1) must be at least 0, got -1; crop the input by slicing instead",
    ),
    (
        lambda: jc.pad(x, ((1, 1), (2, 2)), padding_mode="wrap"),
        ValueError,
        "pad: unknown padding_mode 'wrap'; use 'circular'",
    ),
    (lambda: jc.dense(x, k), ValueError, "dense: kernel must have 2 axes, c_in c_out, but has shape (3, 3, 3, 4)"),
    (
        lambda: jc.dense(jnp.ones((32, 4, 4, 16)), jnp.ones((256, 120))),
        ValueError,
        "dense: kernel expects c_in=256 but the last axis of x has 16 entries (x.shape=(32, 4, 4, 16), kernel.shape=(256, 120)); flatten x first",
    ),
    (
        lambda: jc.dense(jnp.ones((32, 4)), jnp.ones((5, 6))),
        ValueError,
        "dense: kernel expects c_in=5 but the last axis of x has 4 entries (x.shape=(32, 4), kernel.shape=(5, 6))",
    ),
    (
        lambda: jc.flatten(jnp.ones((4, 3))),
        ValueError,
        "flatten: x needs 2 spatial axes and channels last, (*batch, *space, c), but has shape (4, 3); add the channel axis with x[..., None]",
    ),
    (lambda: jc.standardize(3.0), TypeError, "standardize: kernel must be an array, got float; wrap it in jnp.asarray"),
    (
        lambda: jc.geometry.conv_size(2, 3, padding="VALID"),
        ValueError,
        "conv_size: the window spans 3 pixels but spatial axis 0 has only 2 (size 2, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda: jc.geometry.conv_size(6, 3, strides=2, padding="VALID", exact=True),
        ValueError,
        "conv_size: exact=True but windows of 3 at stride 2 do not tile the 6 padded pixels of spatial axis 0: 3 / 2 is not whole; use size 5 or 7, or drop exact to ignore the last 1",
    ),
    (lambda: jc.geometry.conv_size(2.5, 3), TypeError, "conv_size: size=2.5 must be a whole number"),
    (lambda: jc.geometry.conv_size(-3, 3), ValueError, "conv_size: size=-3 must be at least 1"),
    (
        lambda: jc.geometry.conv_size((8, 8), (3, 3, 3)),
        ValueError,
        "conv_size: size=(8, 8) and window=(3, 3, 3) differ in their number of axes; give both alike",
    ),
    (
        lambda: jc.geometry.conv_transpose_size(3, 3, strides=2, padding=1, output_padding=2),
        ValueError,
        "conv_transpose_size: no input of conv gives 3 outputs with output_padding=2 on spatial axis 0 (window 3, stride 2, padding 1); output_padding may be 0 to 1",
    ),
    (
        lambda: nn.Conv(3, 8, 3, rngs=r),
        TypeError,
        "Conv: kernel_size=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: nn.Conv(3, 8, (), rngs=r),
        ValueError,
        "Conv: kernel_size=() has no spatial axis; give one entry for each",
    ),
    (lambda: nn.Conv(3, 8, (3, 0), rngs=r), ValueError, "Conv: kernel_size=(3, 0) must be at least 1, got 0"),
    (
        lambda: nn.Conv(3, 8, (3, 3), strides=(1, 2, 3), rngs=r),
        ValueError,
        "Conv: strides=(1, 2, 3) has 3 entries but the window has 2 spatial axes; give one int or 2 of them",
    ),
    (
        lambda: nn.Conv(3, 8, (3, 3), feature_group_count=2, rngs=r),
        ValueError,
        "Conv: feature_group_count=2 must divide in_features=3; use feature_group_count=1 or 4 channels",
    ),
    (
        lambda: nn.Conv(4, 6, (3, 3), feature_group_count=4, rngs=r),
        ValueError,
        "Conv: feature_group_count=4 must divide out_features=6; use feature_group_count=2 or 8 channels",
    ),
    (lambda: nn.Conv(0, 6, (3, 3), rngs=r), ValueError, "Conv: in_features=0 must be at least 1"),
    (lambda: nn.Conv(3, 6.0, (3, 3), rngs=r), TypeError, "Conv: out_features=6.0 must be a whole number"),
    (
        lambda: nn.Conv(in_channels=3, out_channels=6, kernel_size=(3, 3), rngs=r),
        TypeError,
        "Conv: unknown argument 'in_channels'; use 'in_features'",
    ),
    (lambda: nn.Conv(3, 6, (3, 3), stride=2, rngs=r), TypeError, "Conv: unknown argument 'stride'; use 'strides'"),
    (
        lambda: nn.Conv(3, 6, (3, 3), dilation=2, rngs=r),
        TypeError,
        "Conv: unknown argument 'dilation'; use 'kernel_dilation'",
    ),
    (
        lambda: nn.Conv(3, 6, (3, 3), groups=3, rngs=r),
        TypeError,
        "Conv: unknown argument 'groups'; use 'feature_group_count'",
    ),
    (lambda: nn.Conv(3, 6, (3, 3), bias=False, rngs=r), TypeError, "Conv: unknown argument 'bias'; use 'use_bias'"),
    (lambda: nn.Conv(3, 6, (3, 3), padding="smae", rngs=r), ValueError, "Conv: unknown padding 'smae'; use 'SAME'"),
    (
        lambda: nn.Conv(3, 6, (3, 3), mask=jnp.ones((3, 3)), rngs=r),
        ValueError,
        "Conv: mask must have the kernel's shape (3, 3, 3, 6), but has shape (3, 3)",
    ),
    (
        lambda: nn.Conv(3, 6, (3, 3), init="keras", rngs=r),
        ValueError,
        "Conv: unknown init 'keras'; use 'flax' or 'torch', or give kernel_init and bias_init",
    ),
    (
        lambda: nn.Conv(3, 6, (3, 3), method="fast", rngs=r),
        ValueError,
        "Conv: unknown method 'fast'; use None for the fastest or one of 'einsum', 'xla', 'gemm', 'taps', 'blocks', 'joined', 'phases', 'fft', 'native', 'split'",
    ),
    (
        lambda: nn.Conv(3, 6, (3, 3), rngs=jax.random.key(0)),
        TypeError,
        "Conv: rngs must be nnx.Rngs, got PRNGKeyArray; write rngs=nnx.Rngs(0)",
    ),
    (lambda: nn.Conv(3, 6, (3, 3), key=jax.random.key(0)), TypeError, "Conv: unknown argument 'key'; use 'rngs'"),
    (
        lambda: nn.Conv(3, 6, (3, 3), rngs=r)(jnp.ones((8, 8, 4))),
        ValueError,
        "conv: kernel expects c_in=3 but x has 4 channels (x.shape=(8, 8, 4), kernel.shape=(3, 3, 3, 6))",
    ),
    (
        lambda: nn.ConvTranspose(3, 6, 3, rngs=r),
        TypeError,
        "ConvTranspose: kernel_size=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: nn.ConvTranspose(3, 6, (3, 3), stride=2, rngs=r),
        TypeError,
        "ConvTranspose: unknown argument 'stride'; use 'strides'",
    ),
    (
        lambda: nn.DepthwiseConv(3, 3, rngs=r),
        TypeError,
        "Conv: kernel_size=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: nn.DepthwiseConv(3, (3, 3), dilation=2, rngs=r),
        TypeError,
        "Conv: unknown argument 'dilation'; use 'kernel_dilation'",
    ),
    (
        lambda: nn.SeparableConv(3, 6, 3, rngs=r),
        TypeError,
        "Conv: kernel_size=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: nn.SeparableConv(3, 6, (3, 3), stride=2, rngs=r),
        TypeError,
        "Conv: unknown argument 'stride'; use 'strides'",
    ),
    (
        lambda: nn.LocalConv(1, 6, (5, 5), (4, 4), rngs=r),
        ValueError,
        "LocalConv: the window spans 5 pixels but spatial axis 0 has only 4 (size 4, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda: nn.LocalConv(1, 6, (5, 5), (28,), rngs=r),
        ValueError,
        "LocalConv: input size=(28,) has 1 entries but the window has 2 spatial axes; give one int or 2 of them",
    ),
    (
        lambda: nn.LocalConv(1, 6, (5, 5), (28, 28), rngs=r)(jnp.ones((27, 28, 1))),
        ValueError,
        "local_conv: kernel is made for (24, 24) output pixels and 1 channels but x gives (23, 24) and 1 (x.shape=(27, 28, 1), kernel.shape=(24, 24, 5, 5, 1, 6))",
    ),
    (
        lambda: nn.MaxPool(2),
        TypeError,
        "MaxPool: window_shape=2 must be a tuple, one entry per spatial axis; write (2, 2) for images, (2,) for sequences",
    ),
    (lambda: nn.MaxPool((2, 2), stride=2), TypeError, "MaxPool: unknown argument 'stride'; use 'strides'"),
    (lambda: nn.MaxPool((2, 2), padding="CIRCULR"), ValueError, "MaxPool: unknown padding 'CIRCULR'; use 'CIRCULAR'"),
    (
        lambda: nn.AdaptiveAvgPool(7),
        TypeError,
        "AdaptiveAvgPool: output_shape=7 must be a tuple, one entry per spatial axis; write (7, 7) for images, (7,) for sequences",
    ),
    (
        lambda: nn.AdaptiveAvgPool(output_size=7),
        TypeError,
        "AdaptiveAvgPool: unknown argument 'output_size'; use 'output_shape'",
    ),
    (lambda: nn.Dense(0, 3, rngs=r), ValueError, "Dense: in_features=0 must be at least 1"),
    (lambda: nn.Dense(3, 4, filters=3, rngs=r), TypeError, "Dense: unknown argument 'filters'; use 'out_features'"),
    (lambda: nn.Flatten(rank=0), ValueError, "Flatten: rank=0 must be at least 1"),
    (lambda: nn.GlobalAvgPool(rank=-1), ValueError, "GlobalAvgPool: rank=-1 must be at least 1"),
    (
        lambda: nn.LpPool((2, 2), p=0),
        ValueError,
        "LpPool: p=0 must be at least 1 and finite; use max_pool(jnp.abs(x), ...) for the limit",
    ),
    (
        lambda: jc.conv(x, k, jnp.ones(4)),
        TypeError,
        "conv: only x, kernel may stand without a name; write the others as bias=...",
    ),
    (lambda: jc.conv(jax.random.key(0), k), TypeError, "conv: x must be an array of numbers, got key<fry>"),
    (lambda: jc.conv(np.array(["a"]), k), TypeError, "conv: x must be a JAX or NumPy array of numbers, got <U1"),
    (
        lambda: jc.conv(jnp.ones((8, 1), jnp.int8), jnp.ones((3, 1, 1), jnp.int8), bias=jnp.array([0.5])),
        TypeError,
        "conv: bias is float32 but the output is int32; give a kernel or a preferred_element_type of the bias's kind",
    ),
    (
        lambda: jc.conv(x, k, preferred_element_type=jnp.complex64),
        TypeError,
        "conv: preferred_element_type=complex64 cannot hold the products of float32 and float32; leave it out or use one of the real numbers",
    ),
    (
        lambda: jc.conv(x, k, strides=np.array([2, 2, 2])),
        ValueError,
        "conv: strides=[2, 2, 2] has 3 entries but the window has 2 spatial axes; give one int or 2 of them",
    ),
    (
        lambda: jc.max_pool(x, (2, 2), (2, 2)),
        TypeError,
        "max_pool: only x, window_shape may stand without a name; write the others as strides=...",
    ),
    (
        lambda: jc.global_max_pool(1j * x),
        TypeError,
        "global_max_pool: x is complex64 but complex numbers have no order; pool jnp.abs(x) instead",
    ),
    (
        lambda: jc.adaptive_max_pool(x, (2, 2), 3),
        TypeError,
        "adaptive_max_pool: only x, output_shape may stand without a name; there are no others",
    ),
    (
        lambda: jc.adaptive_max_pool(1j * x, (2, 2)),
        TypeError,
        "adaptive_max_pool: x is complex64 but complex numbers have no order; pool jnp.abs(x) instead",
    ),
    (lambda: jc.global_avg_pool(x, rank=0), ValueError, "global_avg_pool: rank=0 must be at least 1"),
    (lambda: jc.flatten(x, rank="2"), TypeError, "flatten: rank='2' must be a whole number"),
    (lambda: jc.flatten(x, start_dim=1), TypeError, "flatten: unknown argument 'start_dim'; use 'rank'"),
    (
        lambda: jc.pad(x, ("FULL", "SAME")),
        TypeError,
        "pad: padding=('FULL', 'SAME') must be a tuple with one int or (lo, hi) per spatial axis, such as (1, 1) for images",
    ),
    (lambda: jc.pad(x, (1, 1), mode="edge"), TypeError, "pad: unknown argument 'mode'; use 'padding_mode'"),
    (lambda: jc.geometry.conv_size(28, 5, stride=2), TypeError, "conv_size: unknown argument 'stride'; use 'strides'"),
    (
        lambda: jc.geometry.conv_size(28, (5, 5)),
        ValueError,
        "conv_size: size=28 and window=(5, 5) differ in their number of axes; give both alike",
    ),
    (
        lambda: jc.geometry.conv_transpose_size((3, 3), (3,)),
        ValueError,
        "conv_transpose_size: size=(3, 3) and window=(3,) differ in their number of axes; give both alike",
    ),
    (lambda: jc.geometry.conv_input_sizes(2.5, 3), TypeError, "conv_input_sizes: size=2.5 must be a whole number"),
    (lambda: jc.geometry.conv_input_sizes(0, 3), ValueError, "conv_input_sizes: size=0 must be at least 1"),
    (
        lambda: jc.geometry.output_paddings(3, (3, 3)),
        ValueError,
        "output_paddings: size=3 and window=(3, 3) differ in their number of axes; give both alike",
    ),
    (
        lambda: jc.geometry.parameter_count(6, 16, 5),
        TypeError,
        "parameter_count: kernel_size=5 must be a tuple, one entry per spatial axis; write (5, 5) for images, (5,) for sequences",
    ),
    (
        lambda: jc.geometry.parameter_count(6, 16, (5, 5), feature_group_count=4),
        ValueError,
        "parameter_count: feature_group_count=4 must divide in_features=6",
    ),
    (
        lambda: jc.geometry.multiply_accumulates(6, 16, (5, 5), 28),
        TypeError,
        "multiply_accumulates: output_space=28 must be a tuple, one entry per spatial axis; write (28, 28) for images, (28,) for sequences",
    ),
    (
        lambda: jc.geometry.ReceptiveField().through(5, strides=0),
        ValueError,
        "ReceptiveField.through: strides=0 must be at least 1",
    ),
    (
        lambda: jc.geometry.ReceptiveField().through(5, stride=2),
        TypeError,
        "ReceptiveField.through: unknown argument 'stride'; use 'strides'",
    ),
    (
        lambda: jc.geometry.pad_amounts("foo", 28, 5),
        ValueError,
        "pad_amounts: unknown padding 'foo'; use SAME or one of VALID, FULL, CAUSAL, CIRCULAR, REFLECT",
    ),
    (
        lambda: nn.Conv(3, 4, (3, 3), 2, rngs=r),
        TypeError,
        "Conv: only in_features, out_features, kernel_size may stand without a name; write the others as strides=...",
    ),
    (
        lambda: nn.ConvTranspose(3, 6, (3, 3), strides=2, output_padding=2, rngs=r),
        ValueError,
        "ConvTranspose: output_padding=2 must be less than strides=(2, 2) on every axis, or the output is that of a larger input",
    ),
    (
        lambda: nn.ConvTranspose(3, 6, (3, 3), strides=2, output_padding="a", rngs=r),
        TypeError,
        "ConvTranspose: output_padding='a' must be a whole number",
    ),
    (
        lambda: nn.DepthwiseConv(3, (3, 3), channel_multiplier=1.5, rngs=r),
        TypeError,
        "DepthwiseConv: channel_multiplier=1.5 must be a whole number",
    ),
    (
        lambda: jc.blur_pool(x, 3),
        TypeError,
        "blur_pool: window_shape=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: jc.blur_pool(x, (3, 3), strides=0),
        ValueError,
        "blur_pool: strides=0 must be at least 1",
    ),
    (
        lambda: jc.blur_pool(x, (3, 3), padding="VALD"),
        ValueError,
        "blur_pool: unknown padding 'VALD'; use 'VALID'",
    ),
    (
        lambda: jc.blur_pool(jnp.ones((2, 8, 3)), (3, 3), padding="VALID"),
        ValueError,
        "blur_pool: the window spans 3 pixels but spatial axis 0 has only 2 (size 2, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda: jc.blur_pool(x, (3, 3), filt_size=3),
        TypeError,
        "blur_pool: unknown argument 'filt_size'; use 'window_shape'",
    ),
    (
        lambda: jc.polyphase_pool(x, strides=2),
        TypeError,
        "polyphase_pool: strides=2 must be a tuple, one entry per spatial axis; write (2, 2) for images, (2,) for sequences",
    ),
    (
        lambda: jc.polyphase_pool(x, strides=(2, 3)),
        ValueError,
        "polyphase_pool: strides=(2, 3) must divide the spatial shape (8, 8) of x, since padding or cropping breaks the symmetry; make x another size from the start, such as (8, 9)",
    ),
    (
        lambda: jc.polyphase_offsets(jnp.ones((7, 1, 3))),
        ValueError,
        "polyphase_offsets: strides=(2, 2) must divide the spatial shape (7, 1) of x, since padding or cropping breaks the symmetry; make x another size from the start, such as (8, 2)",
    ),
    (
        lambda: jc.polyphase_pool(x, strides=(2, 0)),
        ValueError,
        "polyphase_pool: strides=(2, 0) must be at least 1, got 0",
    ),
    (
        lambda: jc.polyphase_pool(x, window_shape=(2, 2)),
        TypeError,
        "polyphase_pool: unknown argument 'window_shape'; use 'strides'",
    ),
    (
        lambda: jc.polyphase_pool(x, order=2),
        TypeError,
        "polyphase_pool: unknown argument 'order'; use 'p'",
    ),
    (
        lambda: jc.polyphase_offsets(x, p=0.5),
        ValueError,
        "polyphase_offsets: p=0.5 must be at least 1, or it makes no norm; use 1, 2 or math.inf",
    ),
    (
        lambda: jc.polyphase_pool(x, p=float("nan")),
        ValueError,
        "polyphase_pool: p=nan must be at least 1, or it makes no norm; use 1, 2 or math.inf",
    ),
    (
        lambda: jc.polyphase_pool(jnp.ones((8, 8))),
        ValueError,
        "polyphase_pool: x needs 2 spatial axes and channels last, (*batch, *space, c), but has shape (8, 8); add the channel axis with x[..., None]",
    ),
    (
        lambda: jc.polyphase_pool(x, offsets=jnp.ones(2)),
        TypeError,
        "polyphase_pool: offsets must be whole numbers, as from polyphase_offsets, but are float32",
    ),
    (
        lambda: jc.polyphase_pool(x, offsets=[0, 1]),
        TypeError,
        "polyphase_pool: offsets must be an array, got list; wrap it in jnp.asarray",
    ),
    (
        lambda: jc.polyphase_pool(x, offsets=jnp.array(1)),
        ValueError,
        "polyphase_pool: offsets must be *batch rank, here (2,) or what broadcasts to it, but have shape (); take them from polyphase_offsets with the same strides",
    ),
    (
        lambda: jc.polyphase_unpool(jnp.ones((5, 4, 4, 3)), jnp.zeros((3, 2), int)),
        ValueError,
        "polyphase_unpool: offsets must be *batch rank, here (5, 2) or what broadcasts to it, but have shape (3, 2); take them from polyphase_offsets with the same strides",
    ),
    (
        lambda: jc.polyphase_unpool(x, indices=jnp.zeros(2, int)),
        TypeError,
        "polyphase_unpool: unknown argument 'indices'; use 'offsets'",
    ),
    (
        lambda: jc.polyphase_unpool(x, jnp.zeros((2,), int), strides=(2,)),
        ValueError,
        "polyphase_unpool: offsets must be *batch rank, here (8, 1) or what broadcasts to it, but have shape (2,); take them from polyphase_offsets with the same strides",
    ),
    (
        lambda: jc.group_conv(x, jnp.ones((3, 5, 3, 4))),
        ValueError,
        "group_conv: window=(3, 5) must be the same on both axes, since a turn exchanges them; use 3 or 5 for both",
    ),
    (
        lambda: jc.group_conv(x, k, group="p6"),
        ValueError,
        "group_conv: unknown group 'p6'; use one of 'p4', 'p4m'",
    ),
    (
        lambda: jc.group_conv(x, k, strides=(2, 1)),
        ValueError,
        "group_conv: strides=(2, 1) must be the same on both axes, since a turn exchanges them; use 2 or 1 for both",
    ),
    (
        lambda: jc.group_conv(x, k, padding_mode=("circular", "zeros")),
        ValueError,
        "group_conv: padding_mode=('circular', 'zeros') must be the same on both axes, since a turn exchanges them; use 'circular' or 'zeros' for both",
    ),
    (
        lambda: jc.group_conv(x, k, padding=(1, 2)),
        ValueError,
        "group_conv: padding=(1, 2) must be the same on both axes, since a turn exchanges them; use 1 or 2 for both",
    ),
    (
        lambda: jc.group_conv(x, jnp.ones((3, 3, 4, 3, 4))),
        ValueError,
        "group_conv: kernel must be k k c_in c_out to lift an image, or k k 8 c_in c_out with the orientations of p4m, but has shape (3, 3, 4, 3, 4)",
    ),
    (
        lambda: jc.group_conv(x, jnp.ones((3, 3, 4, 3, 4)), group="p4"),
        ValueError,
        "group_conv: x must be *batch h w 4 c_in, with the orientations of p4 before its channels (x.shape=(8, 8, 3), kernel.shape=(3, 3, 4, 3, 4)); lift an image with a kernel k k c_in c_out, or with GroupConv(lift=True)",
    ),
    (
        lambda: jc.group_conv(x, jnp.ones((3, 3, 3))),
        ValueError,
        "group_conv: kernel must be k k c_in c_out to lift an image, or k k 8 c_in c_out with the orientations of p4m, but has shape (3, 3, 3)",
    ),
    (
        lambda: jc.group_conv(x, jnp.ones((3, 3, 2, 4))),
        ValueError,
        "group_conv: kernel expects c_in=2 but x has 3 channels (x.shape=(8, 8, 3), kernel.shape=(3, 3, 2, 4))",
    ),
    (
        lambda: jc.group_conv(x, k, bias=jnp.ones(8)),
        ValueError,
        "group_conv: bias must hold one number for each of the 4 output channels, shape (4,), but has shape (8,); orientations share it",
    ),
    (
        lambda: jc.group_conv(x, k, strides=0),
        ValueError,
        "group_conv: strides=0 must be at least 1",
    ),
    (
        lambda: jc.group_conv(x, k, groups=2),
        TypeError,
        "group_conv: unknown argument 'groups'; use 'group'",
    ),
    (
        lambda: jc.orientation_pool(jnp.ones((8, 8, 4, 3)), reduction="sum"),
        ValueError,
        "orientation_pool: unknown reduction 'sum'; use one of 'max', 'mean'",
    ),
    (
        lambda: jc.orientation_pool(jnp.ones((4, 3))),
        ValueError,
        "orientation_pool: x must be *batch *space orientations c with 4 or 8 orientations, but has shape (4, 3); lift an image first, with group_conv",
    ),
    (
        lambda: jc.symmetrize(jnp.ones((3, 5, 1, 1))),
        ValueError,
        "symmetrize: symmetry='p4m' needs a square window, since a turn exchanges its axes, but the window is (3, 5); use a square one or symmetry='pmm'",
    ),
    (
        lambda: jc.symmetrize(k, symmetry="d4"),
        ValueError,
        "symmetrize: unknown symmetry 'd4'; use one of 'p4m', 'p4', 'pmm'",
    ),
    (
        lambda: jc.symmetrize(jnp.ones(3)),
        ValueError,
        "symmetrize: symmetry='p4m' is one of the plane but the window is (3,); give it 2 axes",
    ),
    (
        lambda: jc.symmetrize(k, group="p4"),
        TypeError,
        "symmetrize: unknown argument 'group'; use 'symmetry'",
    ),
    (
        lambda: nn.BlurPool(3),
        TypeError,
        "BlurPool: window_shape=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: nn.BlurPool((3, 3), stride=1),
        TypeError,
        "BlurPool: unknown argument 'stride'; use 'strides'",
    ),
    (
        lambda: nn.PolyphasePool(strides=2),
        TypeError,
        "PolyphasePool: strides=2 must be a tuple, one entry per spatial axis; write (2, 2) for images, (2,) for sequences",
    ),
    (
        lambda: nn.PolyphasePool(p=0),
        ValueError,
        "PolyphasePool: p=0 must be at least 1, or it makes no norm; use 1, 2 or math.inf",
    ),
    (
        lambda: nn.PolyphaseUnpool(strides=2),
        TypeError,
        "PolyphaseUnpool: strides=2 must be a tuple, one entry per spatial axis; write (2, 2) for images, (2,) for sequences",
    ),
    (
        lambda: nn.GroupConv(3, 4, 3, rngs=r),
        TypeError,
        "GroupConv: kernel_size=3 must be a tuple, one entry per spatial axis; write (3, 3) for images, (3,) for sequences",
    ),
    (
        lambda: nn.GroupConv(3, 4, (3,), rngs=r),
        ValueError,
        "GroupConv: kernel_size=(3,) must have 2 entries; p4 and p4m turn the plane",
    ),
    (
        lambda: nn.GroupConv(3, 4, (3, 2), rngs=r),
        ValueError,
        "GroupConv: window=(3, 2) must be the same on both axes, since a turn exchanges them; use 3 or 2 for both",
    ),
    (
        lambda: nn.GroupConv(3, 4, (3, 3), group="p8", rngs=r),
        ValueError,
        "GroupConv: unknown group 'p8'; use one of 'p4', 'p4m'",
    ),
    (
        lambda: nn.GroupConv(3, 4, (3, 3), rngs=r)(x),
        ValueError,
        "group_conv: x must be *batch h w 8 c_in, with the orientations of p4m before its channels (x.shape=(8, 8, 3), kernel.shape=(3, 3, 8, 3, 4)); lift an image with a kernel k k c_in c_out, or with GroupConv(lift=True)",
    ),
    (
        lambda: nn.GroupConv(3, 4, (3, 3), group=8, rngs=r),
        ValueError,
        "GroupConv: unknown group 8; use one of 'p4', 'p4m'",
    ),
    (
        lambda: nn.OrientationPool(reduction=None),
        ValueError,
        "OrientationPool: unknown reduction None; use one of 'max', 'mean'",
    ),
    (
        lambda: nn.SpinFlip(nn.relu, parity="up"),
        ValueError,
        "SpinFlip: unknown parity 'up'; use one of 'even', 'odd'",
    ),
    (
        lambda: nn.SpinFlip(nn.relu),
        TypeError,
        "SpinFlip.__init__() missing 1 required keyword-only argument: 'parity'",
    ),
    (
        lambda: nn.Conv(3, 4, (3, 5), symmetry="p4", rngs=r),
        ValueError,
        "Conv: symmetry='p4' needs a square window, since a turn exchanges its axes, but the window is (3, 5); use a square one or symmetry='pmm'",
    ),
    (
        lambda: nn.Conv(3, 4, (3, 3, 3), symmetry="p4m", rngs=r),
        ValueError,
        "Conv: symmetry='p4m' is one of the plane but the window is (3, 3, 3); give it 2 axes",
    ),
    (
        lambda: nn.Conv(3, 4, (3, 3), symmetry="D4", rngs=r),
        ValueError,
        "Conv: unknown symmetry 'D4'; use one of 'p4m', 'p4', 'pmm'",
    ),
]


@pytest.mark.parametrize(("call", "kind", "text"), WRONG, ids=range(len(WRONG)))
def test_wrong_call_is_answered_with_its_sentence(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == text
