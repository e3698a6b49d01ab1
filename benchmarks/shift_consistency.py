"""`python -m benchmarks.shift_consistency`: how far an untrained ResNet-18 agrees with itself on shifted images.

Circular padding and circular shifts, 32 x 32 x 3, the ResNet-18 usual on CIFAR-10 with three ways to halve the size:

    stride     a convolution of stride 2, and a 1 x 1 convolution of stride 2 beside it (He et al. 2016)
    blur       convolutions of stride 1, then `blur_pool` (Zhang 2019)
    polyphase  convolutions of stride 1, then `polyphase_pool`, both branches with one choice (Chaman & Dokmanic 2021)

Weights are random; batch normalisation holds the statistics of one batch, so that the scale is that of a trained
network. In exact arithmetic polyphase forgets every shift. In float32 that rests on three conditions:

1. a convolution rounds alike wherever a pixel stands. It does where every output is summed in one order, and may not
   where an algorithm treats borders or tiles apart (some of a GPU's do; TF32 makes the difference larger).
2. the norms that choose a phase do not depend on the order of their terms: `polyphase_offsets` adds whole numbers.
3. no two norms are so close that the first rounding exchanges them.

The column "same bits" counts shifts after which the features before the global mean are the same numbers at other
places. The mean adds them in another order, which is what then remains between the logits.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

import jaxconv as jc
from benchmarks.report import RESULTS, describe_machine
from jaxconv import models, nn

DOWNSAMPLE = ("stride", "blur", "polyphase")
SIZE = 32


def resnet18(downsample: str, *, width: int, seed: int) -> models.ResNet:
    """The 18 layers with the stem for 32 x 32 pixels, halved three times."""
    pool: Any = "max" if downsample == "stride" else downsample
    options: dict[str, Any] = dict(stem="cifar", width=width, num_classes=10, padding_mode="circular", pool=pool)
    model = models.ResNet((2, 2, 2, 2), **options, rngs=nn.Rngs(seed))
    for _, layer in nnx.iter_modules(model):
        if isinstance(layer, nn.BatchNorm):
            layer.momentum = 0.0  # the statistics are those of the last batch
    return model


def pictures(number: int, random: np.random.Generator) -> np.ndarray:
    """Random fields whose amplitude falls as one over the frequency, as that of photographs does."""
    frequency = np.fft.fftfreq(SIZE, 1 / SIZE)
    radius = np.hypot(frequency[:, None], frequency)[..., None]
    waves = np.fft.fft2(random.normal(size=(number, SIZE, SIZE, 3)), axes=(1, 2)) / np.maximum(radius, 1)
    fields = np.fft.ifft2(waves, axes=(1, 2)).real
    return (fields / fields.std((1, 2, 3), keepdims=True)).astype(np.float32)


def measure(downsample: str, options: argparse.Namespace, progress: Console) -> dict[str, Any]:
    """Argmax agreement and the largest difference of logits between an image and a random circular shift of it."""
    random = np.random.default_rng(options.seed)
    images = pictures(options.images, random)
    shifts = random.integers(0, SIZE, (options.shifts, options.images, 2))
    model = resnet18(downsample, width=options.width, seed=options.seed)
    model(jnp.asarray(images[: options.batch]))  # batch normalisation learns the statistics
    model.eval()
    run = jax.jit(lambda x: (features := model.features(x), model.fc(jc.global_avg_pool(features))))

    def outputs(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The features of each channel in ascending order, and the logits."""
        parts = [run(x[i : i + options.batch]) for i in range(0, options.images, options.batch)]
        features, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
        return np.sort(features.reshape(len(x), -1, features.shape[-1]), 1), logits

    features, logits = outputs(images)
    agree, same, apart = [], [], 0.0
    for each in track(shifts, downsample, console=progress, transient=True):
        moved = np.stack([np.roll(image, t, (0, 1)) for image, t in zip(images, each, strict=True)])
        features_moved, logits_moved = outputs(moved)
        agree.append(np.mean(logits.argmax(-1) == logits_moved.argmax(-1)))
        same.append(np.mean((features == features_moved).all((1, 2))))
        apart = max(apart, float(abs(logits - logits_moved).max()))
    return {
        "downsample": downsample,
        "consistency": float(np.mean(agree)),
        "same_bits": float(np.mean(same)),
        "max_logit_difference": float(f"{apart:.3g}"),
        "logit_deviation": float(f"{logits.std(0).mean():.3g}"),
        "classes_predicted": len(np.unique(logits.argmax(-1))),
    }


def show(console: Console, machine: dict[str, Any], options: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    """Print one table."""
    table = Table(
        title=f"{options.images} images x {options.shifts} shifts, {machine['platform']}, jax {machine['jax']}",
        caption="same bits: features before the global mean are the same numbers after the shift. deviation: of the "
        "logits over images.",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("downsample", no_wrap=True)
    for heading in ("consistency", "same bits", "max logit\ndifference", "logit\ndeviation", "classes\npredicted"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found:
        numbers = (f"{row[name]:.2g}" for name in ("max_logit_difference", "logit_deviation"))
        shares = (f"{row[name]:.2%}" for name in ("consistency", "same_bits"))
        table.add_row(row["downsample"], *shares, *numbers, str(row["classes_predicted"]))
    console.print(table)


def main(words: Sequence[str] | None = None) -> int:
    """Measure all three, print the table, write the file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shift_consistency",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    for name, default, text in (
        ("images", 256, "random images"),
        ("shifts", 4, "random shifts of each image"),
        ("width", 64, "channels of the first stage"),
        ("batch", 32, "images computed at once; divides --images"),
        ("seed", 0, "of weights, images and shifts"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{text} (default {default})")
    options = parser.parse_args(words)
    if min(options.images, options.shifts, options.width, options.batch) < 1 or options.images % options.batch:
        parser.error("--images, --shifts, --width and --batch must be at least 1, and --batch must divide --images")
    console, progress = Console(), Console(stderr=True)
    machine = describe_machine()
    found = [measure(downsample, options, progress) for downsample in DOWNSAMPLE]
    show(console, machine, options, found)
    if vars(options) == vars(parser.parse_args([])):
        path = RESULTS / f"shift_consistency-{machine['platform']}-jax{machine['jax']}.json"
        content = {"suite": "shift_consistency", "machine": machine, "options": vars(options), "measurements": found}
        path.write_text(json.dumps(content, indent=1) + "\n")
        console.print(f"written to {path.relative_to(RESULTS.parent.parent)}")
    else:
        console.print("not written, since options differ from the defaults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
