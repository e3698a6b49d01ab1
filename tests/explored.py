"""Networks, and ways to look at a page of them, for the tests of the explorer in a browser."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxconv import nn

HOSTILE = '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">{{data}}'
NAMES = [HOSTILE, *map(str, range(1, 10))]
DIGITS = np.random.default_rng(0).random((2, 28, 28, 1)).astype(np.float32)
SMALL = np.random.default_rng(1).random((2, 8, 8, 1)).astype(np.float32)


class Torus(nnx.Module):
    """A network that commutes with all shifts by even numbers."""

    def __init__(self, rngs):
        options = dict(kernel_size=(3, 3), padding="SAME", padding_mode="circular", rngs=rngs)
        self.first = nn.Conv(1, 3, **options)
        self.second = nn.Conv(3, 4, strides=2, **options)
        self.last = nn.Dense(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.last(nnx.tanh(self.second(nnx.relu(self.first(x)))).mean((-3, -2)))


class Sorted(nnx.Module):
    """A network with a step that the page cannot compute."""

    def __init__(self, rngs):
        self.conv = nn.Conv(1, 3, kernel_size=(3, 3), rngs=rngs)

    def __call__(self, x):
        return jnp.sort(self.conv(x), axis=-2)[..., -2, :].mean(-2)


class Headed(nnx.Module):
    """A convolution, averaged, and a function of that."""

    def __init__(self, head, features, rngs):
        self.conv = nn.Conv(1, features, kernel_size=(3, 3), rngs=rngs)
        self.head = head

    def __call__(self, x):
        return self.head(self.conv(x).mean((-3, -2)))


def settle(shown):
    """Wait until what was asked for is drawn."""
    shown.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")


def number(text):
    return float(text.replace("\u2212", "-"))


def value(shown):
    """The indices and the number of the pixel that is pointed at."""
    place, found = shown.locator(".value strong").inner_text().split(" = ")
    return tuple(map(int, place.strip("[]").split(", "))), number(found)


def scores(shown):
    labels = shown.locator(".score").evaluate_all("rows => rows.map((row) => row.ariaLabel)")
    return [number(label.rsplit("score ", 1)[1]) for label in labels]


def layer(shown, name, kind):
    return shown.locator(f'.column[aria-label^="{name}, {kind}"]')


def choose(shown, name, kind, which=0):
    layer(shown, name, kind).locator(".small").nth(which).press("Enter")
    settle(shown)


def point(shown, row, column, height, width):
    frame = shown.locator("#detail .chosen .frame")
    box = frame.bounding_box()
    frame.hover(position={"x": box["width"] * (column + 0.5) / width, "y": box["height"] * (row + 0.5) / height})
    settle(shown)


def outlined(shown, height, width):
    """First and last row and column of the outline on the input."""
    top, bottom, left, right = shown.locator(".stage .over").evaluate("""(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const lit = [...Array(data.length / 4).keys()].filter((pixel) => data[4 * pixel + 3] > 0);
      const rows = lit.map((pixel) => Math.floor(pixel / canvas.width));
      const columns = lit.map((pixel) => pixel % canvas.width);
      return [Math.min(...rows) / canvas.height, (Math.max(...rows) + 1) / canvas.height,
              Math.min(...columns) / canvas.width, (Math.max(...columns) + 1) / canvas.width];
    }""")
    return [round(top * height), round(bottom * height), round(left * width), round(right * width)]
