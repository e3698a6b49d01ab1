"""How each model trains unless the command says otherwise; chosen on the validation images of the digits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jaxconv.cli.config import Config
from jaxconv.cli.failure import Failure, unknown
from jaxconv.cli.kinds import split_data


@dataclass(frozen=True)
class Recipe:
    """Epochs, batch size, and the peak of a learning rate that warms up and then falls as a cosine."""

    epochs: int
    batch_size: int
    learning_rate: float


RECIPES = {
    "lenet": Recipe(epochs=20, batch_size=32, learning_rate=4e-3),
    "mlp": Recipe(epochs=40, batch_size=32, learning_rate=2e-3),
    "mlp-wide": Recipe(epochs=30, batch_size=32, learning_rate=1e-3),
    "cnn": Recipe(epochs=12, batch_size=32, learning_rate=1e-3),
}
# A start, on which nothing has been chosen.
_ANY_OTHER = Recipe(epochs=20, batch_size=64, learning_rate=1e-3)


def resolve(given: Mapping[str, Any]) -> Config:
    """Return the run with these values, and for the others those of the model's recipe."""
    if "model" not in given:
        raise Failure(
            f"name a model, such as python -m jaxconv train lenet; those with a recipe are {', '.join(RECIPES)}", code=2
        )
    name = given["model"]
    if name not in RECIPES:
        from jaxconv import models  # slow, and the models with a recipe need no look

        if name not in models.names():
            raise unknown(name, "a model", models.names())
    config = Config(**(asdict(RECIPES.get(name, _ANY_OTHER)) | dict(given)))
    if config.fsdp and config.mesh == "none":
        raise Failure("--fsdp divides the weights among the devices of a mesh; add one, such as --mesh data=4", code=2)
    if config.size and split_data(config.data)[0] not in ("digits", "folder"):
        raise Failure(
            f"--size {config.size} is for digits and for pictures in folders; "
            f"the images of {config.data} have a size of their own",
            code=2,
        )
    return config
