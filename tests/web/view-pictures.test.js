import assert from "node:assert/strict";
import test from "node:test";

import {
  indices,
  middle,
  neighbour,
  picturesOf,
  placeWords,
  zoom,
} from "../../jaxconv/viz/explorer/web/view-pictures.js";

function backAndForth(picture, entries) {
  const found = [];
  for (let row = 0; row < picture.height; row += 1) {
    for (let column = 0; column < picture.width; column += 1) {
      const entry = picture.at(row, column);
      if (entry < 0) continue;
      assert.deepEqual(picture.place(entry), [row, column]);
      found.push(entry);
    }
  }
  assert.deepEqual(
    found.sort((a, b) => a - b),
    entries,
  );
}

test("every shown entry stands at one place of one picture", () => {
  const [first, last] = picturesOf([2, 3, 4], [0, 3]);
  backAndForth(first, [0, 4, 8, 12, 16, 20]);
  backAndForth(last, [3, 7, 11, 15, 19, 23]);
  assert.equal(first.place(3), null);
  backAndForth(picturesOf([40], [...Array(30).keys()])[0], [...Array(30).keys()]);
  assert.equal(picturesOf([40], [1, 2])[0].place(7), null);
  backAndForth(picturesOf([3, 5], [1, 4])[0], [1, 4, 6, 9, 11, 14]);
  backAndForth(picturesOf([2, 2, 2, 3], [0, 1, 2])[0], [...Array(24).keys()]);
  backAndForth(picturesOf([], [0])[0], [0]);
});

test("red, green and blue make one picture, other channels one each", () => {
  assert.deepEqual(
    picturesOf([5, 6, 3], [0, 1, 2], true).map(({ channel, colours }) => [channel, colours]),
    [[null, true]],
  );
  assert.equal(picturesOf([5, 6, 3], [0, 1, 2]).length, 3);
});

test("places have indices, and words for those who listen", () => {
  assert.deepEqual(indices([4, 5, 6], 3 * 30 + 2 * 6 + 1), [3, 2, 1]);
  assert.equal(placeWords([4, 5, 6], 3 * 30 + 2 * 6 + 1), "map 2 of 6, row 4, column 3");
  assert.equal(placeWords([9], 0), "unit 1 of 9");
  assert.equal(placeWords([2, 3], 5), "2 of 2, 3 of 3");
});

test("the arrow keys stay within a picture", () => {
  const [map] = picturesOf([2, 3, 4], [1]);
  assert.equal(neighbour(map, 1, [-1, 0]), 1);
  assert.equal(neighbour(map, 1, [1, 4]), 21);
  const [strip] = picturesOf([20], [...Array(20).keys()]); // rows of 2
  assert.equal(neighbour(strip, 19, [4, 0]), 19);
  const [short] = picturesOf([19], [...Array(19).keys()]); // whose last row holds one
  assert.equal(neighbour(short, 17, [1, 0]), 17);
  assert.ok(middle(strip) >= 0 && middle(short) >= 0 && middle(picturesOf([1], [0])[0]) === 0);
});

test("pixels are whole where they can be", () => {
  assert.deepEqual(
    [24, 28, 4, 56].map((size) => zoom({ height: size, width: 1 }, 56)),
    [2, 2, 14, 1],
  );
  assert.equal(zoom({ height: 1, width: 112 }, 56), 0.5);
});
