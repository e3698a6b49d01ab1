"""The training report shows what it says, and touches nothing else."""

import io
import sys

import numpy as np
import pytest

from jaxconv import viz

matplotlib = pytest.importorskip("matplotlib", reason="draws the figures")


def report(epochs=3, misread=2, n=30, title=""):
    """Draw `n` images of three classes, the first `misread` of them misread, ever more surely."""
    history = {"epoch": range(1, epochs + 1)}
    for column in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
        history[column] = np.linspace(0.9, 0.5, epochs)
    labels = np.arange(n) % 3
    probabilities = np.full((n, 3), 0.1)
    probabilities[np.arange(n), labels] = 0.8
    for i in range(misread):
        sure = 0.5 + 0.01 * i
        probabilities[i] = (1 - sure) / 2
        probabilities[i, (labels[i] + 1) % 3] = sure
    images = np.full((n, 4, 4, 1), 0.5)
    return viz.training_report(history, (images, labels), probabilities, class_names=("a", "b", "c"), title=title)


def shown(figure):
    return [axes.get_title() for axes in figure.axes if axes.images]


def png(figure):
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def all_text(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def test_misread_images_come_with_class_guess_and_probability_surest_first():
    figure = report(misread=3)
    assert shown(figure) == ["c\nread as a\n52% sure", "b\nread as c\n51% sure", "a\nread as b\n50% sure"]
    assert "3 of 30 misread, the surest mistakes first" in all_text(figure)


def test_curves_hold_the_history():
    figure = report(epochs=4, title="lenet")
    loss, accuracy = (axes for axes in figure.axes if axes.lines)
    assert [line.get_label() for line in loss.lines] == ["train", "validation"]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    np.testing.assert_array_equal(
        accuracy.lines[1].get_xydata(), np.column_stack([range(1, 5), np.linspace(0.9, 0.5, 4)])
    )
    assert "lenet" in all_text(figure)


@pytest.mark.parametrize(("misread", "visible"), [(0, 0), (1, 1), (7, 7), (8, 8), (14, 14), (20, 14)])
def test_as_many_misread_images_as_fit_are_shown_and_all_are_counted(misread, visible):
    figure = report(misread=misread)
    assert len(shown(figure)) == visible
    assert any(text.startswith(f"{misread} of 30 misread") for text in all_text(figure))
    assert png(figure).startswith(b"\x89PNG")


def test_one_epoch_without_validation_is_drawn_as_points():
    history = {"epoch": (1,), "train_loss": (2.0,), "train_accuracy": (0.1,)}
    figure = viz.training_report(history, (np.zeros((1, 4, 4, 1)), [0]), [[1.0, 0.0]], class_names="ab")
    lines = [axes.lines for axes in figure.axes if axes.lines]
    assert [[line.get_marker() for line in group] for group in lines] == [["."], ["."]]
    assert png(figure).startswith(b"\x89PNG")


def test_no_global_state_is_changed():
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams), matplotlib.get_backend(), plt.get_fignums()
    png(report())
    assert before == (dict(matplotlib.rcParams), matplotlib.get_backend(), plt.get_fignums())


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError) as error:
        report()
    assert str(error.value) == "training_report: matplotlib is not installed; run pip install 'jaxconv[viz]'"
