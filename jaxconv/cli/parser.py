"""Words of the command line into checked values, before anything slow is imported."""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from jaxconv.cli import info, predict, summary, symmetry, train
from jaxconv.cli.failure import Failure, unknown
from jaxconv.cli.recipes import RECIPES

_START = "python -m jaxconv train lenet"
_COMMANDS = ("train", "predict", "summary", "symmetry", "info")
_ANY_COMMAND = f"{', '.join(_COMMANDS[:-1])} or {_COMMANDS[-1]}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(f"{message}; see {self.prog} --help", code=2)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments; `run` among them is the function that carries them out."""
    parser = _build()
    if not argv:
        raise Failure(f"name a command, {_ANY_COMMAND}; to start, try {_START}", code=2)
    if not argv[0].startswith("-") and argv[0] not in _COMMANDS:
        raise unknown(argv[0], "a command", _COMMANDS)
    arguments, extra = parser.parse_known_args(argv)
    for word in extra:
        if word.startswith("-") and not hasattr(arguments, "run"):
            raise Failure(f"{word!r} is not an option of jaxconv; name a command, {_ANY_COMMAND}, first", code=2)
        if word.startswith("-"):
            raise unknown(word.partition("=")[0], f"an option of {argv[0]}", arguments.options)
    if extra:
        raise Failure(
            f"{argv[0]} does not know what to do with {extra[0]!r}; see {parser.prog} {argv[0]} --help", code=2
        )
    return arguments


def _build() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m jaxconv",
        description="Train convolutional networks, use them, and derive what they commute with.",
        epilog=f"Start with: {_START}",
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train a network on handwritten digits", allow_abbrev=False))
    _add_predict(commands.add_parser("predict", help="say what a trained network sees", allow_abbrev=False))
    _add_summary(commands.add_parser("summary", help="say what a network costs and sees", allow_abbrev=False))
    _add_symmetry(commands.add_parser("symmetry", help="say which shifts a network keeps", allow_abbrev=False))
    _add_info(commands.add_parser("info", help="say what computes here", allow_abbrev=False))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.description = "Train a network on scikit-learn's handwritten digits; save it, its curves and its mistakes."
    names = ", ".join(RECIPES)
    parser.add_argument("name", nargs="?", metavar="MODEL", help=f"the network: {names}")
    parser.add_argument("--model", metavar="MODEL", help="the network, if not named as a word of its own")
    parser.add_argument("--epochs", type=_integer(1), metavar="N", help="passes over the training images")
    parser.add_argument("--batch-size", type=_integer(1), metavar="N", help="images a step")
    parser.add_argument("--learning-rate", type=_positive, metavar="X", help="its peak; it warms up and then falls")
    parser.add_argument(
        "--seed", type=_integer(0), default=0, metavar="N", help="decides all that is random; default 0"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where everything is saved; default runs/MODEL")
    _finish(parser, train.run)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the classes that a trained network sees in pictures, the likeliest first."
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="the folder that training wrote")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="PNG or other picture, or .npy array")
    parser.add_argument(
        "--invert",
        action=argparse.BooleanOptionalAction,
        help="swap black and white, or never do; by default where the border is light, as ink on paper has it",
    )
    _finish(parser, predict.run)


def _add_summary(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print a network layer by layer: outputs, parameters, multiply-accumulates, memory and receptive fields. "
        "Nothing is computed, and no weights are allocated unless --symmetry needs them."
    )
    parser.add_argument("name", nargs="?", metavar="MODEL", help="the network, such as resnet50")
    parser.add_argument("--size", type=_integer(1), metavar="N", help="height and width; default those it is made for")
    parser.add_argument("--batch", type=_integer(1), default=1, metavar="N", help="images; default 1")
    parser.add_argument("--depth", type=_integer(1), metavar="N", help="fold what is more than N modules deep")
    parser.add_argument("--symmetry", action="store_true", help="derive which shifts survive, with generic weights")
    _finish(parser, summary.run)


def _add_symmetry(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Derive, layer by layer, which shifts of the image a network commutes with, what loses the others, "
        "and what it would keep with circular boundaries."
    )
    parser.add_argument("name", nargs="?", metavar="MODEL", help=f"the network: {', '.join(RECIPES)}")
    parser.add_argument("--size", type=_integer(1), metavar="N", help="height and width of the images; default 28")
    _finish(parser, symmetry.run)


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print versions and devices, and which backend computes convolutions on CPU, and why."
    _finish(parser, info.run)


def _finish(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None]) -> None:
    options = (option for action in parser._actions for option in action.option_strings if option.startswith("--"))
    parser.set_defaults(run=run, options=tuple(options))


def _integer(least: int) -> Callable[[str], int]:
    def parse_integer(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(f"{text!r} must be an integer of at least {least}")
        return value

    return parse_integer


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value < math.inf):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above 0, such as 0.001")
    return value
