"""Which axes of weights PyTorch keeps in another order: found by following images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxconv as jc
from jaxconv import inspect, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch_pairs import Ours, R, Theirs, conv, dense, linear, numbers, of_whole_numbers, tconv, to_torch  # noqa: E402 - it imports PyTorch

gap = lambda x: x.mean((2, 3))


def up(x):
    return jax.image.resize(x, (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]), "nearest")


def up_there(x):
    return torch.nn.functional.interpolate(x, scale_factor=2)


def pixels(m, x):
    return m.a(x).reshape(2, 12, 4)


def best_grid(x):
    """Of the four grids that stride 2 sees, the one with the largest norm."""
    grids = torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)])
    return grids[grids.square().sum((2, 3, 4)).argmax(0), torch.arange(len(x))]


def attended(q, k, v):
    q, k, v = (jnp.moveaxis(y.reshape(2, 12, 2, 2), 2, 1) for y in (q, k, v))
    return jnp.moveaxis(nn.softmax(q @ jnp.swapaxes(k, 2, 3)) @ v, 1, 2).reshape(2, 12, 4)


def attended_there(q, k, v):
    q, k, v = (y.reshape(2, 12, 2, 2).transpose(1, 2) for y in (q, k, v))
    return (torch.softmax(q @ k.transpose(2, 3), -1) @ v).transpose(1, 2).reshape(2, 12, 4)


# Our model and its modules, PyTorch's model and its modules.
FOLLOWED = {
    "flatten": (
        lambda m, x: m.b(jc.flatten(m.a(x))),
        lambda: {"a": conv(), "b": dense(36, 5)},
        lambda m, x: m.b(m.a(x).flatten(1)),
        lambda: {"a": tconv(), "b": linear(36, 5)},
    ),
    "reshape, and only the first of two": (
        lambda m, x: m.c(nn.relu(m.b(m.a(x).reshape(x.shape[0], -1)))),
        lambda: {"a": conv(), "b": dense(36, 36), "c": dense(36, 5)},
        lambda m, x: m.c(m.b(m.a(x).flatten(1)).relu()),
        lambda: {"a": tconv(), "b": linear(36, 36), "c": linear(36, 5)},
    ),
    "the input itself": (
        lambda m, x: m.b(jc.flatten(x)),
        lambda: {"b": dense(24, 5)},
        lambda m, x: m.b(x.flatten(1)),
        lambda: {"b": linear(24, 5)},
    ),
    "ravel under vmap": (
        lambda m, x: jax.vmap(lambda one: m.b(jnp.ravel(m.a(one))))(x),
        lambda: {"a": conv(), "b": dense(36, 5)},
        lambda m, x: m.b(m.a(x).flatten(1)),
        lambda: {"a": tconv(), "b": linear(36, 5)},
    ),
    "jit, remat, cond and dropout on the way": (
        lambda m, x: m.b(
            jax.lax.cond(True, jnp.sin, jnp.cos, jax.checkpoint(lambda y: m.drop(y))(jax.jit(jc.flatten)(m.a(x))))
        ),
        lambda: {"a": conv(), "drop": nn.Dropout(0.5, rngs=R), "b": dense(36, 5)},
        lambda m, x: m.b(m.a(x).flatten(1).sin()),
        lambda: {"a": tconv(), "b": linear(36, 5)},
    ),
    "global average pooling": (
        lambda m, x: m.b(jc.global_avg_pool(m.a(x))),
        lambda: {"a": conv(), "b": dense(3, 5)},
        lambda m, x: m.b(gap(m.a(x))),
        lambda: {"a": tconv(), "b": linear(3, 5)},
    ),
    "one row left": (
        lambda m, x: m.b(jc.flatten(m.a(x).mean(-3, keepdims=True))),
        lambda: {"a": conv(), "b": dense(12, 5)},
        lambda m, x: m.b(m.a(x).mean(2, keepdim=True).flatten(1)),
        lambda: {"a": tconv(), "b": linear(12, 5)},
    ),
    "channels of every pixel": (
        lambda m, x: m.b(m.a(x)).mean((1, 2)),
        lambda: {"a": conv(), "b": dense(3, 5)},
        lambda m, x: m.b(m.a(x).permute(0, 2, 3, 1)).mean((1, 2)),
        lambda: {"a": tconv(), "b": linear(3, 5)},
    ),
    "a user who moves the channels first": (
        lambda m, x: m.b(jnp.moveaxis(m.a(x), -1, 1).reshape(x.shape[0], -1)),
        lambda: {"a": conv(), "b": dense(36, 5)},
        lambda m, x: m.b(m.a(x).flatten(1)),
        lambda: {"a": tconv(), "b": linear(36, 5)},
    ),
    "normalised after the flatten, and added to": (
        lambda m, x: m.d((lambda y: y + m.b(m.n(y)))(jc.flatten(m.a(x)))),
        lambda: {"a": conv(), "n": nn.BatchNorm(36, rngs=R), "b": dense(36, 36), "d": dense(36, 5)},
        lambda m, x: m.d((lambda y: y + m.b(m.n(y)))(m.a(x).flatten(1))),
        lambda: {"a": tconv(), "n": torch.nn.BatchNorm1d(36), "b": linear(36, 36), "d": linear(36, 5)},
    ),
    "an image made by a dense layer": (
        lambda m, x: m.c(m.b(x.mean((1, 2))).reshape(-1, 2, 4, 3)),
        lambda: {"b": dense(2, 24), "c": conv(3, 2)},
        lambda m, x: m.c(m.b(gap(x)).reshape(-1, 3, 2, 4)).permute(0, 2, 3, 1),
        lambda: {"b": linear(2, 24), "c": tconv(3, 2)},
    ),
    "flattened and made an image again": (
        lambda m, x: m.c(m.b(jc.flatten(m.a(x))).reshape(-1, 3, 4, 3)),
        lambda: {"a": conv(), "b": dense(36, 36), "c": conv(3, 2)},
        lambda m, x: m.c(m.b(m.a(x).flatten(1)).reshape(-1, 3, 3, 4)).permute(0, 2, 3, 1),
        lambda: {"a": tconv(), "b": linear(36, 36), "c": tconv(3, 2)},
    ),
    "branches side by side": (
        lambda m, x: m.c(jc.flatten(jnp.concatenate([m.a(x), m.b(x), x], -1))),
        lambda: {"a": conv(), "b": conv(), "c": dense(96, 5)},
        lambda m, x: m.c(torch.cat([m.a(x), m.b(x), x], 1).flatten(1)),
        lambda: {"a": tconv(), "b": tconv(), "c": linear(96, 5)},
    ),
    "channels in groups, and shuffled": (
        lambda m, x: m.c(jc.flatten(jnp.swapaxes(m.n(m.a(x)).reshape(2, 3, 4, 2, 2), 3, 4).reshape(2, 3, 4, 4))),
        lambda: {"a": conv(2, 4), "n": nn.GroupNorm(4, num_groups=2, epsilon=1e-5, rngs=R), "c": dense(48, 5)},
        lambda m, x: m.c(m.n(m.a(x)).reshape(2, 2, 2, 3, 4).transpose(1, 2).flatten(1)),
        lambda: {"a": tconv(2, 4), "n": torch.nn.GroupNorm(2, 4), "c": linear(48, 5)},
    ),
    "a list of pixels, the largest of some channels": (
        lambda m, x: m.b(jc.flatten(m.a(x)[:, jnp.array([2, 0])].reshape(2, 2, 4, 2, 2).max(-1))),
        lambda: {"a": conv(2, 4), "b": dense(16, 5)},
        lambda m, x: m.b(m.a(x)[:, :, [2, 0]].reshape(2, 2, 2, 2, 4).amax(2).flatten(1)),
        lambda: {"a": tconv(2, 4), "b": linear(16, 5)},
    ),
    "the best of four grids": (
        lambda m, x: m.b(jc.flatten(jc.polyphase_pool(m.a(x[:, :2])))),
        lambda: {"a": conv(2, 4), "b": dense(8, 5)},
        lambda m, x: m.b(best_grid(m.a(x[:, :, :2])).flatten(1)),
        lambda: {"a": tconv(2, 4), "b": linear(8, 5)},
    ),
    "attention between pixels": (
        lambda m, x: m.o(attended(m.q(pixels(m, x)), m.k(pixels(m, x)), m.v(pixels(m, x)))).mean(1),
        lambda: {"a": conv(2, 4), "q": dense(4, 4), "k": dense(4, 4), "v": dense(4, 4), "o": dense(4, 5)},
        lambda m, x: m.o(attended_there(*(m.get_submodule(n)(m.a(x).flatten(2).transpose(1, 2)) for n in "qkv"))).mean(
            1
        ),
        lambda: {"a": tconv(2, 4), "q": linear(4, 4), "k": linear(4, 4), "v": linear(4, 4), "o": linear(4, 5)},
    ),
    "layers in a scan": (
        lambda m, x: m.b(jax.lax.scan(lambda y, _: (nn.tanh(m.s(y)), None), jc.flatten(x), length=2)[0]),
        lambda: {"s": dense(24, 24), "b": dense(24, 5)},
        lambda m, x: m.b(m.s(m.s(x.flatten(1)).tanh()).tanh()),
        lambda: {"s": linear(24, 24), "b": linear(24, 5)},
    ),
    "resized, padded, cut, pooled": (
        lambda m, x: m.b(jc.flatten(jc.max_pool(jnp.pad(m.a(up(x))[:, 1:], ((0, 0), (0, 1), (0, 0), (0, 0))), (2, 2)))),
        lambda: {"a": conv(), "b": dense(36, 5)},
        lambda m, x: m.b(
            torch.nn.functional.max_pool2d(
                torch.nn.functional.pad(m.a(up_there(x))[:, :, 1:], (0, 0, 0, 1)), 2
            ).flatten(1)
        ),
        lambda: {"a": tconv(), "b": linear(36, 5)},
    ),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_flattened_images_are_followed(case):
    call, children, their_call, their_children = FOLLOWED[case]
    theirs = of_whole_numbers(Theirs(their_call, their_children()))
    ours = Ours(call, children(), input_shape=(3, 4, 2))
    x = numbers(2, 3, 4, 2)
    inspect.load_torch(ours, theirs.state_dict(), x=x)
    ours.eval()
    wanted = theirs(to_torch(x)).detach().numpy()
    assert wanted.std() > 0.1
    np.testing.assert_allclose(ours(x), wanted, rtol=2e-5, atol=2e-5 * np.abs(wanted).max())
    back = inspect.torch_state(ours, x=x)
    assert back.keys() == theirs.state_dict().keys()
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_array_equal(back[name], tensor)


def test_a_flattened_image_between_convolutions_and_norms_is_followed():
    theirs = of_whole_numbers(
        Theirs(lambda m, x: m.n(m.a(x).flatten(1)).amax(1), {"a": tconv(), "n": torch.nn.BatchNorm1d(36)})
    )
    ours = Ours(lambda m, x: m.n(jc.flatten(m.a(x))).max(1), {"a": conv(), "n": nn.BatchNorm(36, rngs=R)})
    x = numbers(2, 3, 4, 2)
    with pytest.raises(ValueError, match=r"x is needed, because the order of weights depends on how images are"):
        inspect.load_torch(ours, theirs.state_dict())
    inspect.load_torch(ours, theirs.state_dict(), x=x.shape)
    ours.eval()
    np.testing.assert_allclose(ours(x), theirs(to_torch(x)).detach(), rtol=1e-5)
