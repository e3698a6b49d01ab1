"""Words of the command line into checked values, before anything slow is imported."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field
from pathlib import Path
from typing import Any, NoReturn

from jaxconv.cli import explore, info, predict, summary, symmetry, train
from jaxconv.cli.config import OPTIONS, flag
from jaxconv.cli.failure import Failure, unknown
from jaxconv.cli.kinds import integer
from jaxconv.cli.recipes import RECIPES

_START = "python -m jaxconv train lenet"
_COMMANDS = ("train", "predict", "explore", "summary", "symmetry", "info")
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
    _add_train(commands.add_parser("train", help="train a network on images", allow_abbrev=False))
    _add_predict(commands.add_parser("predict", help="say what a trained network sees", allow_abbrev=False))
    _add_explore(commands.add_parser("explore", help="make a page to look into a trained network", allow_abbrev=False))
    _add_summary(commands.add_parser("summary", help="say what a network costs and sees", allow_abbrev=False))
    _add_symmetry(commands.add_parser("symmetry", help="say which shifts a network keeps", allow_abbrev=False))
    _add_info(commands.add_parser("info", help="say what computes here", allow_abbrev=False))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.description = "Train a network on handwritten digits or other images; save it, its curves and its mistakes."
    parser.add_argument("name", nargs="?", metavar="MODEL", help=f"the network, such as {', '.join(RECIPES)}")
    for option in OPTIONS:
        _add_option(parser, option)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML with these options as keys, such as epochs = 20"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where everything is saved; default runs/MODEL")
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with the run that was saved there")
    parser.add_argument("--restart", action="store_true", help="discard the run in FOLDER that has not ended")
    parser.add_argument("--distributed", action="store_true", help="join other processes that run the same command")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="of process 0, unless SLURM or Open MPI says it")
    parser.add_argument("--processes", type=integer(1).of_word, metavar="N", help="how many there are")
    parser.add_argument(
        "--process-id", dest="index", type=integer(0).of_word, metavar="N", help="which this is, from 0"
    )
    _finish(parser, train.run)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the classes that a trained network sees in pictures, the likeliest first."
    _add_pictures(parser, "+")
    _finish(parser, predict.run)


def _add_explore(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write one HTML file that shows every map of a trained network, and of every number the sum that makes it; "
        "it opens from disk, without a network. Without pictures it shows test images of what the run learned from."
    )
    _add_pictures(parser, "*")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default CHECKPOINT/explore.html")
    parser.add_argument("--depth", type=integer(1).of_word, metavar="N", help="fold what is more than N modules deep")
    _finish(parser, explore.run)


def _add_pictures(parser: argparse.ArgumentParser, count: str) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="the folder that training wrote")
    parser.add_argument("images", type=Path, nargs=count, metavar="IMAGE", help="PNG or other picture, or .npy array")
    parser.add_argument(
        "--invert",
        action=argparse.BooleanOptionalAction,
        help="swap black and white, or never do; by default where the border is light, as ink on paper has it",
    )


def _add_summary(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print a network layer by layer: outputs, parameters, multiply-accumulates, memory and receptive fields. "
        "Nothing is computed, and no weights are allocated unless --symmetry needs them."
    )
    parser.add_argument("name", nargs="?", metavar="MODEL", help="the network, such as resnet50")
    parser.add_argument(
        "--size", type=integer(1).of_word, metavar="N", help="height and width; default those it is made for"
    )
    parser.add_argument("--batch", type=integer(1).of_word, default=1, metavar="N", help="images; default 1")
    parser.add_argument("--depth", type=integer(1).of_word, metavar="N", help="fold what is more than N modules deep")
    parser.add_argument("--symmetry", action="store_true", help="derive which shifts survive, with generic weights")
    _finish(parser, summary.run)


def _add_symmetry(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Derive, layer by layer, which shifts of the image a network commutes with, what loses the others, "
        "and what it would keep with circular boundaries."
    )
    parser.add_argument("name", nargs="?", metavar="MODEL", help=f"the network: {', '.join(RECIPES)}")
    parser.add_argument(
        "--size", type=integer(1).of_word, metavar="N", help="height and width of the images; default 28"
    )
    _finish(parser, symmetry.run)


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print versions and devices, and which backend computes convolutions on CPU, and why."
    _finish(parser, info.run)


def _add_option(parser: argparse.ArgumentParser, option: Field[Any]) -> None:
    kind, default = option.metadata["kind"], "by model" if option.default is MISSING else format(option.default)
    if kind.type is bool:
        parser.add_argument(flag(option.name), action=argparse.BooleanOptionalAction, help=option.metadata["help"])
    else:
        meaning = option.metadata["help"] + (f"; default {default}" if option.name != "model" else "")
        parser.add_argument(flag(option.name), type=kind.of_word, metavar=kind.metavar, help=meaning)


def _finish(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None]) -> None:
    options = (option for action in parser._actions for option in action.option_strings if option.startswith("--"))
    parser.set_defaults(run=run, options=tuple(options))
