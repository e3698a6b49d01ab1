"""What the explorer's page shows and writes out is what JAX computes."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from explored import DIGITS, SMALL, Headed, Sorted, choose, number, outlined, point, scores, settle, value
from flax import nnx

from jaxconv.viz.explorer.explore import explore

pytest_plugins = ["browser", "explored_pages"]
pytestmark = pytest.mark.once


def test_every_number_is_the_one_of_jax(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    np.testing.assert_allclose(scores(shown), lenet(jnp.asarray(DIGITS[0])), atol=2e-4)
    first = np.asarray(lenet.features.layers[0](DIGITS[0]))
    halved = np.asarray(nnx.Sequential(*lenet.features.layers[:3])(DIGITS[0]))
    second = np.asarray(lenet.features.layers[3](halved))

    choose(shown, "features.layers.0", "Conv", 4)
    point(shown, 7, 20, 24, 24)
    place, found = value(shown)
    assert place == (7, 20, 4)
    np.testing.assert_allclose(found, first[place], rtol=1e-3, atol=1e-4)
    assert outlined(shown, 28, 28) == [7, 12, 20, 25]
    words = "reads rows 7 to 11, columns 20 to 24 of the image"
    assert shown.locator(".reads").inner_text() == words
    shown.locator("#spoken", has_text=words).wait_for(state="attached")

    choose(shown, "features.layers.2", "MaxPool", 1)
    point(shown, 11, 0, 12, 12)
    place, found = value(shown)
    np.testing.assert_allclose(found, halved[place], rtol=1e-3, atol=1e-4)
    cells = [number(text) for text in shown.locator(".formula .cell").all_inner_texts()]
    np.testing.assert_allclose(cells, first[22:24, 0:2, 1].clip(0).ravel(), atol=6e-4)
    assert shown.locator(".formula .winner").count() == 1

    choose(shown, "features.layers.3", "Conv", 15)
    point(shown, 3, 2, 8, 8)
    place, found = value(shown)
    np.testing.assert_allclose(found, second[place], rtol=1e-3, atol=1e-4)
    assert outlined(shown, 28, 28) == [6, 20, 4, 18]


def test_a_convolution_is_written_out_channel_by_channel(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    choose(shown, "features.layers.3", "Conv", 2)
    point(shown, 3, 2, 8, 8)
    halved = np.asarray(nnx.Sequential(*lenet.features.layers[:3])(DIGITS[0]))
    kernel = np.asarray(lenet.features.layers[3].kernel[...])[..., 2]
    titles = []
    for page in range(2):
        rows = shown.locator(".windows .window")
        for row in range(rows.count()):
            numbers = [number(text) for text in rows.nth(row).locator(".cell").all_inner_texts()]
            patch, weights, products = np.reshape(numbers, (3, 5, 5))
            channel = 4 * page + row
            np.testing.assert_allclose(patch, halved[3:8, 2:7, channel], atol=6e-4)
            np.testing.assert_allclose(weights, kernel[..., channel], atol=6e-4)
            np.testing.assert_allclose(products, patch * weights, atol=3e-3)
            titles.append(rows.nth(row).locator("strong").inner_text())
        if page == 0:
            shown.get_by_role("button", name="channels →").click()
    adds = [number(title.split(" adds ")[1]) for title in titles]
    bias = float(lenet.features.layers[3].bias[...][2])
    assert [title.split(" adds ")[0] for title in titles] == [f"channel {channel}" for channel in range(6)]
    np.testing.assert_allclose(sum(adds) + bias, value(shown)[1], atol=2e-3)
    assert shown.locator(".formula .line").last.inner_text().startswith("max(")


def test_a_score_is_written_out_down_to_its_softmax(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    shown.locator(".score").nth(3).click()
    settle(shown)
    logits = np.asarray(lenet(jnp.asarray(DIGITS[0])))
    place, found = value(shown)
    assert place == (3,)
    np.testing.assert_allclose(found, logits[3], rtol=1e-3, atol=1e-4)
    products, softmax = shown.locator(".formula table").all()
    terms = products.locator("tbody td:last-child").all_inner_texts()
    assert len(terms) == 21  # the twenty largest, and the others together
    np.testing.assert_allclose(
        sum(map(number, terms)) + float(lenet.classifier.layers[5].bias[...][3]), found, atol=1e-3
    )
    exponentials = np.exp(logits - logits.max())
    chosen = softmax.locator(".chosen td").last.inner_text()
    above, below, share = re.fullmatch(r"(\S+) / (\S+) = (\S+) %", chosen).groups()
    np.testing.assert_allclose(
        [number(above), number(below), number(share)],
        [exponentials[3], exponentials.sum(), 100 * exponentials[3] / exponentials.sum()],
        rtol=6e-3,
    )


def test_probabilities_are_not_made_such_again(open_page):
    model = Headed(nnx.softmax, 3, nnx.Rngs(0))
    shown = open_page(explore(model, SMALL))
    expected = np.asarray(model(jnp.asarray(SMALL[0])))
    settle(shown)
    found = [number(text.removesuffix(" %")) for text in shown.locator(".score .probability").all_inner_texts()]
    np.testing.assert_allclose(found, 100 * expected, atol=0.06)
    answer = f"image 1: the answer is {expected.argmax()} ({100 * expected.max():.1f} %), its scores within "
    assert shown.locator("#answer").inner_text().startswith(answer)
    shown.locator(".score").first.click()
    settle(shown)
    assert shown.get_by_role("columnheader", name="e^z", exact=True).count() == 0


@pytest.mark.parametrize(
    ("head", "features", "words"),
    [
        (lambda x: x * 0 + 3.2, 1, "the output is 3.2"),
        (lambda x: jnp.log(x * 0), 2, "the outputs are \u2212∞, \u2212∞"),
    ],
)
def test_one_output_or_one_that_is_no_number_is_no_answer(open_page, head, features, words):
    shown = open_page(explore(Headed(head, features, nnx.Rngs(0)), SMALL))
    settle(shown)
    assert shown.locator("#answer").inner_text().startswith(f"image 1: {words}")
    assert shown.locator(".score .probability").all_inner_texts() == [words.split()[-1]] * features
    assert shown.locator(".score.best").count() == 0
    shown.locator(".score").first.click()
    settle(shown)
    assert shown.locator(".value strong").inner_text() == f"[0] = {words.split()[-1]}"
    assert shown.get_by_role("columnheader", name="e^z", exact=True).count() == 0


def test_scores_that_are_not_those_of_jax_are_told(lenet, lenet_page, open_page):
    shown = open_page(lenet_page)
    settle(shown)
    close = re.search(r"its scores within (\S+) of JAX's$", shown.locator("#answer").inner_text())
    assert number(close[1]) < 1e-4
    assert shown.locator("#answer .alarm").count() == 0
    encoded = re.findall(r'"scores":\{[^}]*\}', lenet_page.html)
    shown = open_page(lenet_page.html.replace(encoded[0], encoded[1]))
    settle(shown)
    differ = re.fullmatch(r"its scores differ from JAX's by (\S+)", shown.locator("#answer .alarm").inner_text())
    logits = np.asarray(lenet(jnp.asarray(DIGITS)))
    np.testing.assert_allclose(number(differ[1]), np.abs(logits[0] - logits[1]).max(), rtol=0.06)


def test_a_page_that_cannot_compute_shows_what_jax_computed(open_page):
    model = Sorted(nnx.Rngs(0))
    shown = open_page(explore(model, SMALL))
    assert "sort" in shown.locator("#notes").inner_text()
    assert "can't compute" in shown.locator(".note").inner_text()
    assert shown.locator('[name="mode"], .pad, [type="file"]').count() == 0
    for image in range(2):
        shown.locator('input[name="image"]').nth(image).check(force=True)
        settle(shown)
        np.testing.assert_allclose(scores(shown), model(jnp.asarray(SMALL[image])), rtol=1e-3)
        choose(shown, "conv", "Conv", 2)
        place, found = value(shown)
        np.testing.assert_allclose(found, model.conv(jnp.asarray(SMALL[image]))[place], rtol=1e-3)
