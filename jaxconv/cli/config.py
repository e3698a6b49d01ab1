"""What decides a run: the options of `train`, their help, their checks, and the keys of its file, all in one place."""

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from jaxconv.cli.kinds import DATA, FLAG, MESH, NOT_NEGATIVE, POSITIVE, SHARE, TEXT, Kind, integer, several, words


def _option(kind: Kind, meaning: str, default: Any = MISSING, *, may_change: bool = False) -> Any:
    """A field without `default` has one by model; with `may_change`, a resumed run may go on with another value."""
    return field(default=default, metadata={"kind": kind, "help": meaning, "may_change": may_change})


@dataclass(frozen=True, kw_only=True)
class Config:
    """A run of `python -m jaxconv train`, nothing left open; the recipes know what the model leaves open."""

    model: str = _option(TEXT, "the network, if not named as a word of its own")
    data: str = _option(DATA, "digits, mnist:FOLDER, fashion:FOLDER, folder:FOLDER, FILE.npz or FILE.h5", "digits")
    size: int = _option(
        integer(0), "height and width that digits and pictures get; 0 for what the network is made for", 0
    )
    augment: str = _option(
        several("shift", "flip", "d4", "crop"), "random changes: none, or shift,flip,d4,crop", "shift"
    )
    mix: str = _option(words("none", "mixup", "cutmix"), "two images in one: none, mixup or cutmix", "none")
    epochs: int = _option(integer(1), "passes over the training images", may_change=True)
    batch_size: int = _option(integer(1), "images a step")
    optimizer: str = _option(words("adamw", "sgd", "lamb"), "adamw, sgd (with momentum) or lamb", "adamw")
    learning_rate: float = _option(POSITIVE, "its peak; it warms up and then falls")
    weight_decay: float = _option(NOT_NEGATIVE, "how fast weights shrink by themselves", 1e-4)
    clip: float = _option(NOT_NEGATIVE, "largest norm of a gradient; 0 for any", 0.0)
    accumulate: int = _option(integer(1), "steps whose gradients are averaged before the weights move", 1)
    ema: float = _option(SHARE, "decay of the weights' moving average, such as 0.99; 0 for none", 0.0)
    label_smoothing: float = _option(SHARE, "share of a label that all classes get", 0.0)
    patience: int = _option(
        integer(0), "epochs to wait for a smaller validation loss, and keep its weights; 0 for the last epoch's", 0
    )
    dtype: str = _option(
        words("float32", "bfloat16"), "what the network computes in; its weights are float32", "float32"
    )
    mesh: str = _option(
        MESH,
        "devices that share the work, such as data=4 or, with channels divided, data=4,model=2",
        "none",
        may_change=True,
    )
    fsdp: bool = _option(FLAG, "divide the weights among the devices too", False, may_change=True)
    snapshot_every: int = _option(
        integer(0), "steps between snapshots; 0 for one at the end of each epoch", 0, may_change=True
    )
    tensorboard: bool = _option(FLAG, "write FOLDER/tensorboard", False, may_change=True)
    seed: int = _option(integer(0, 2**32 - 1), "decides all that is random", 0)


OPTIONS: tuple[Field[Any], ...] = fields(Config)


def flag(name: str) -> str:
    """Return the option of a field."""
    return f"--{name.replace('_', '-')}"
