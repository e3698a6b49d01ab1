"""Draw the README's picture: `python notebooks/readme_figure.py` writes notebooks/images/readme.png."""

from pathlib import Path

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import optax
from flax import nnx
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

import jaxconv as jc
from jaxconv import data, nn, train

INK, QUIET, BLUE, RED = "#1B1F24", "#6E7781", "#0072B2", "#C1361B"
MOVE = (6, 11)  # pixels down and to the right, around the torus
DIGIT = 3


def learn():
    """Six kernels learned from the digits, and one digit; whole numbers, so that every sum is exact."""
    digits = data.digits()
    rngs = nnx.Rngs(1)
    first = nn.Conv(1, 6, (5, 5), padding_mode="circular", rngs=rngs)
    network = nn.Sequential(
        first,
        nn.relu,
        nn.MaxPool((2, 2)),
        nn.Conv(6, 16, (5, 5), padding="VALID", rngs=rngs),
        nn.relu,
        nn.MaxPool((2, 2)),
        nn.Flatten(),
        nn.Dense(400, 10, rngs=rngs),
    )
    train.fit(network, digits.train, optimizer=optax.adamw(2e-3, weight_decay=0.1), epochs=15, batch_size=32)
    images, labels = digits.test
    digit = images[labels == DIGIT][2]
    kernel = first.kernel[...]
    return jnp.round(16 * digit), jnp.round(16 * kernel / jnp.abs(kernel).max())


def layer(x, kernel, mode):
    return nn.relu(jc.conv(x, kernel, padding="SAME", padding_mode=mode))


def roll(x):
    return jnp.roll(x, MOVE, axis=(0, 1))


def maps_of(color):
    return LinearSegmentedColormap.from_list(color, ["white", color])


def draw(digit, kernel) -> Figure:
    maps, moved_maps = layer(digit, kernel, "circular"), layer(roll(digit), kernel, "circular")
    figure = Figure(figsize=(12.6, 4.5), facecolor="white")
    grid = figure.add_gridspec(
        2, 9, width_ratios=[1.25, 0.42, 1, 1, 1, 1, 1, 1, 2.0], left=0.055, right=0.97, top=0.70, bottom=0.09,
        wspace=0.12, hspace=0.22,
    )  # fmt: skip
    inputs = [figure.add_subplot(grid[row, 0]) for row in (0, 1)]
    for axes, picture in zip(inputs, (digit, roll(digit)), strict=True):
        axes.imshow(picture[..., 0], cmap="gray_r")
    for channel in range(6):
        column = [figure.add_subplot(grid[row, 2 + channel]) for row in (0, 1)]
        for axes, picture in zip(column, (maps, moved_maps), strict=True):
            axes.imshow(picture[..., channel], cmap=maps_of(BLUE), vmin=0, vmax=float(maps[..., channel].max()))
        place = column[0].get_position()
        tile = figure.add_axes((place.x0 + place.width * 0.27, 0.725, place.width * 0.46, 0.46 * 0.25))
        tile.imshow(kernel[:, :, 0, channel], cmap="RdBu_r", vmin=-16, vmax=16)
    errors = grid[:, 8].subgridspec(2, 2, width_ratios=[0.45, 1], wspace=0, hspace=0.22)
    for row, (mode, color) in enumerate((("circular", BLUE), ("zeros", RED))):
        error = jnp.abs(layer(roll(digit), kernel, mode) - roll(layer(digit, kernel, mode))).max(-1)
        axes = figure.add_subplot(errors[row, 1])
        axes.imshow(error, cmap=maps_of(RED), vmin=0, vmax=500)
        broken = int(np.count_nonzero(error))
        verdict = "0, to the bit" if broken == 0 else f"{broken} of {error.size} pixels differ"
        axes.set_xlabel(verdict, color=color, fontsize=10, fontweight="bold")
        axes.set_ylabel(f"padding_mode\n{mode!r}", color=color, fontsize=9.5, family="monospace")
    for axes in figure.axes:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#C8CDD3")
    inputs[0].set_ylabel("x", fontsize=15, rotation=0, labelpad=14, va="center", style="italic")
    inputs[1].set_ylabel("T x", fontsize=15, rotation=0, labelpad=17, va="center", style="italic")
    arrow = {"arrowstyle": "-|>", "mutation_scale": 16, "color": QUIET, "lw": 1.4}
    for axes in inputs:
        axes.annotate("", (1.42, 0.5), (1.05, 0.5), xycoords="axes fraction", arrowprops=arrow)
    write(figure)
    return figure


def write(figure: Figure) -> None:
    size = jc.geometry.conv_size(28, 5)
    figure.text(0.018, 0.945, "jaxconv", fontsize=21, fontweight="bold", color=INK, va="center")
    figure.text(
        0.135, 0.942, "convolutional networks in JAX whose shapes, symmetries and speed can be checked",
        fontsize=13, color=QUIET, va="center",
    )  # fmt: skip
    figure.text(0.0575, 0.735, "a real digit,\n28 × 28 × 1", fontsize=10.5, color=INK, va="bottom", linespacing=1.35)
    figure.text(
        0.232, 0.862, f"six learned kernels 5 × 5 and their feature maps, {size} × {size} × 6",
        fontsize=10.5, color=INK,
    )  # fmt: skip
    legend = (
        f"T moves the digit {MOVE[0]} pixels down and {MOVE[1]} to the right on a torus, f is convolution and ReLU: "
    )
    figure.text(0.0575, 0.03, legend + "the maps move along", fontsize=10.5, color=INK)
    figure.text(0.828, 0.735, "is  f(T x) = T f(x) ?\ntheir difference:", fontsize=10.5, color=INK, linespacing=1.35)


if __name__ == "__main__":
    mpl.rcParams["font.family"] = "DejaVu Sans"
    target = Path(__file__).parent / "images" / "readme.png"
    target.parent.mkdir(exist_ok=True)
    draw(*learn()).savefig(target, dpi=130)
    print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")
