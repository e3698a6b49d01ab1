"""How each model trains on the digits unless the command says otherwise; chosen on the validation images."""

from dataclasses import dataclass


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
