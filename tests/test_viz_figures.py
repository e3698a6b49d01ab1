"""Grids of pictures, tables of mistakes, embeddings and curves show what they are given, in axes of one's own too."""

import sys

import numpy as np
import pytest

from jaxconv import viz

matplotlib = pytest.importorskip("matplotlib", reason="draws the figures")
pytest.importorskip("matplotlib.figure", reason="what the figures are")  # importing the package alone does not load it

LABELS, GUESSES = [0, 0, 1, 1, 2], [0, 1, 1, 1, 0]
PICTURES = np.arange(24.0).reshape(2, 3, 4)
HISTORY = {"epoch": (1, 2), "train_loss": (2.0, 1.0)}


def shown(figure):
    return [image for axes in figure.findobj(matplotlib.axes.Axes) for image in axes.images]


def texts(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def test_each_picture_has_its_own_scale_or_all_share_one():
    apart, together = shown(viz.images(PICTURES)), shown(viz.images(PICTURES, shared=True))
    np.testing.assert_array_equal([image.get_array() for image in apart], PICTURES)
    assert [image.get_clim() for image in apart] == [(0, 11), (12, 23)]
    assert [image.get_clim() for image in together] == [(0, 23)] * 2


def test_signed_numbers_are_white_at_zero():
    signed, forced, plain = (
        shown(viz.images([picture], signed=choice))[0]
        for picture, choice in ((PICTURES[0] - 3, None), (PICTURES[0], True), (PICTURES[0] - 3, False))
    )
    assert (signed.get_clim(), signed.get_cmap().name) == ((-8, 8), "RdBu_r")
    assert (forced.get_clim(), plain.get_clim()) == ((-11, 11), (-3, 8))
    assert plain.get_cmap().name == "gray"


def test_a_constant_picture_and_one_with_holes_are_drawn():
    constant, holes = shown(viz.images([np.full((2, 2), 7), np.array([[np.nan, 1.0], [2.0, np.inf]])]))
    assert (constant.get_clim(), holes.get_clim()) == ((7, 8), (1, 2))


def test_channels_and_kinds_of_numbers():
    grey, colour, mask = shown(viz.images([np.ones((2, 2, 1)), np.ones((2, 2, 3)), np.eye(2, dtype=bool)]))
    assert [np.shape(image.get_array()) for image in (grey, colour, mask)] == [(2, 2), (2, 2, 3), (2, 2)]


def test_titles_and_columns():
    figure = viz.images([PICTURES[0]] * 5, titles=list("abcde"), columns=3)
    assert [axes.get_title() for axes in figure.axes] == [*"abcde", ""]
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]


def test_a_grid_within_given_axes_stays_in_them():
    figure = matplotlib.figure.Figure()
    left, right = figure.subplots(1, 2)
    assert viz.images(PICTURES, ax=right) is figure
    assert ([len(axes.child_axes) for axes in (left, right)], len(shown(figure))) == ([0, 2], 2)
    viz.images(PICTURES[:1], ax=left)
    assert len(left.images) == 1  # one picture needs no grid


def test_axes_of_a_subfigure_give_the_whole_figure():
    figure = matplotlib.figure.Figure()
    part = figure.subfigures(1, 2)[0]
    assert viz.images(PICTURES[:1], ax=part.subplots()) is figure


def test_confusions_are_counted():
    figure = viz.confusion_matrix(LABELS, GUESSES, class_names=["cat", "dog", "eel"])
    (axes,) = figure.axes
    counts = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert counts == {(0, 0): "1", (0, 1): "1", (1, 1): "2", (2, 0): "1"}
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["cat", "dog", "eel"]
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == ("3 of 5 right", "read as", "class")
    right, wrong = axes.images
    np.testing.assert_array_equal(right.get_array().filled(0), np.diag([1, 2, 0]))
    np.testing.assert_array_equal(wrong.get_array().filled(0), [[0, 1, 0], [0, 0, 0], [1, 0, 0]])


def test_classes_without_examples_keep_their_place():
    figure = viz.confusion_matrix([0], [0], class_names=["cat", "dog"])
    assert np.shape(figure.axes[0].images[0].get_array()) == (2, 2)


def test_misread_shows_the_surest_mistakes_first():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    images = np.arange(4.0).reshape(4, 1, 1, 1) / 4
    figure = viz.misread((images, [0, 0, 1, 0]), probabilities, class_names=["cat", "dog"], columns=2)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["cat\nread as dog\n80% sure", "dog\nread as cat\n70% sure"]
    assert [float(image.get_array()[0, 0]) for image in shown(figure)] == [0.25, 0.5]
    assert "3 of 4 misread, the surest mistakes first" in texts(figure)


def test_nothing_misread():
    figure = viz.misread((np.ones((1, 2, 2, 1)), [1]), [[0.0, 1.0]])
    assert (shown(figure), texts(figure)) == ([], ["0 of 1 misread"])


def test_points_in_the_plane_are_drawn_where_they_are():
    points = np.array([[0.0, 0], [2, 0], [5, 5]])
    (axes,) = viz.embedding(points, [0, 0, 2], method=None, class_names=["a", "b", "c"]).axes
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), points[:2])
    assert {(text.get_text(), *text.get_position()) for text in axes.texts} == {("a", 1, 0), ("c", 5, 5)}


def test_pca_keeps_the_widest_directions():
    pytest.importorskip("sklearn", reason="computes the components")
    points = np.random.default_rng(0).normal(size=(40, 3, 2)) * np.array([[9, 1], [1, 3], [1, 1]])
    (axes,) = viz.embedding(points, np.zeros(40, int)).axes
    rows = points.reshape(40, 6) - points.reshape(40, 6).mean(0)
    values = np.linalg.svd(rows, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(axes.collections[0].get_offsets(), axis=0), values[:2], rtol=1e-6)
    assert axes.get_xlabel() == f"component 1, {values[0] ** 2 / (values**2).sum():.0%} of the variance"


def test_tsne_parts_what_is_far_apart():
    pytest.importorskip("sklearn", reason="computes the embedding")
    points = np.random.default_rng(0).normal(size=(40, 5)) + 100 * (np.arange(40) % 2)[:, None]
    (axes,) = viz.embedding(points, np.arange(40) % 2, method="tsne").axes
    one, other = (collection.get_offsets() for collection in axes.collections)
    spread = max(np.linalg.norm(cloud - cloud.mean(0), axis=1).max() for cloud in (one, other))
    assert np.linalg.norm(one.mean(0) - other.mean(0)) > spread


def test_curves_of_several_runs_are_their_mean_and_range():
    runs = {"one": HISTORY, "two": [HISTORY, {**HISTORY, "train_loss": (4.0, 1.0)}]}
    (axes,) = viz.curves(runs, column="train_loss", log=True).axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[2, 1], [3, 1]]
    (band,) = axes.collections
    assert sorted({y for _, y in band.get_paths()[0].vertices.tolist()}) == [1, 2, 4]
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "train loss")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(ModuleNotFoundError) as error:
        viz.embedding(np.ones((3, 4)), [0, 1, 2])
    assert str(error.value) == "embedding: scikit-learn is not installed; run pip install 'jaxconv[data]'"


WRONG = [
    (lambda: viz.images([]), "images: there are 0 pictures but must be 1 to 400; pass some of them"),
    (
        lambda: viz.images(PICTURES, titles=["a"]),
        "images: titles has 1 entries but there are 2 pictures; give one for each",
    ),
    (
        lambda: viz.images([np.ones((5, 5, 6))]),
        "images: picture 0 has shape (5, 5, 6) and dtype float64 but must be real numbers, height x width, or with 1 "
        "or 3 channels last; for one picture pass [picture], for feature maps jnp.moveaxis(maps, -1, 0)",
    ),
    (
        lambda: viz.confusion_matrix([0, 1], [[0.9, 0.1], [0.2, 0.8]]),
        "confusion_matrix: predictions must be class numbers from 0 up, at least one of them, but has shape (2, 2) and "
        "dtype float64; for probabilities take their argmax(-1)",
    ),
    (
        lambda: viz.confusion_matrix([0, 1], [0]),
        "confusion_matrix: predictions has 1 entries but there are 2 examples; give one for each",
    ),
    (
        lambda: viz.confusion_matrix([0, 2], [0, 2], class_names=["a", "b"]),
        "confusion_matrix: class_names has 2 entries but the labels go up to 2; give 3",
    ),
    (
        lambda: viz.misread((np.ones((2, 2, 2, 1)), [0, 3]), np.ones((2, 3))),
        "misread: probabilities has shape (2, 3) but must be (2, classes), with more than 3 classes; is it of these "
        "examples?",
    ),
    (
        lambda: viz.embedding([1.0, 2.0], [0, 1]),
        "embedding: points has shape (2,) but must be one row of numbers for each point",
    ),
    (
        lambda: viz.embedding(np.ones((2, 3)), [0, 1], method=None),
        "embedding: method=None draws two numbers a point but points has 3; use method='pca' or 'tsne'",
    ),
    (
        lambda: viz.embedding(np.ones((9, 1)), [0] * 9),
        "embedding: points has 1 number for each point but a plane needs 2; plot it against another",
    ),
    (
        lambda: viz.embedding(np.ones((9, 3)), [0] * 9, method="tsne"),
        "embedding: method='tsne' needs at least 31 points but there are 9; use more, or method='pca'",
    ),
    (
        lambda: viz.embedding(np.ones((9, 3)), [0] * 9, method="umap"),  # pyright: ignore[reportArgumentType], meant
        "embedding: unknown method 'umap'; use 'pca', 'tsne', or None for points in the plane",
    ),
    (lambda: viz.curves({}), "curves: there are no runs; pass at least one, such as {'lenet': history}"),
    (
        lambda: viz.curves({"a": [HISTORY, {"train_loss": (1.0,)}]}, column="train_loss"),
        "curves: the runs of 'a' have [1, 2] epochs; they need one, and as many as each other",
    ),
    (
        lambda: viz.arithmetic_animation(seconds=0),
        "arithmetic_animation: seconds=0 must be more than 0; try 0.8",
    ),
    (
        lambda: viz.arithmetic(4, steps=(0, 1), ax=matplotlib.figure.Figure().subplots()),
        "arithmetic: ax holds one step but steps=(0, 1); call once for each, with axes of its own",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        call()
    assert str(error.value) == message
