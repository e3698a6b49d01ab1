import assert from "node:assert/strict";
import test from "node:test";

import {
  compare,
  follower,
  judge,
  nearest,
  remembered,
  rolled,
  spaceOf,
  verdictWords,
  wrapped,
} from "../../jaxconv/viz/explorer/web/view-shift.js";

const IMAGE = [4, 6, 2];
const values = Float32Array.from({ length: 48 }, (_, entry) => Math.sin(entry * entry));
const moves = (inputs, outputs) => inputs.map((input, number) => ({ input, output: outputs[number] }));
const EACH = moves(
  [
    [1, 0],
    [0, 1],
  ],
  [
    [1, 0],
    [0, 1],
  ],
);

test("an image moves round its edges", () => {
  const moved = rolled(values, IMAGE, [-1, 8]);
  for (let row = 0; row < 4; row += 1) {
    for (let column = 0; column < 6; column += 1) {
      const to = (wrapped(row - 1, 4) * 6 + wrapped(column + 8, 6)) * 2;
      assert.equal(moved[to + 1], values[(row * 6 + column) * 2 + 1]);
    }
  }
  assert.deepEqual(rolled(moved, IMAGE, [1, -8]), values);
  assert.deepEqual(rolled(Float32Array.of(1, 2), [2], [3, 1]), Float32Array.of(1, 2));
});

test("only maps have rows and columns", () => {
  assert.deepEqual([[], [5], [3, 2], [3, 4, 2]].map(spaceOf), [
    [1, 1, 1],
    [1, 1, 5],
    [1, 1, 6],
    [3, 4, 2],
  ]);
});

test("sums of the shifts that survive are followed, and others are not", () => {
  const all = follower(EACH, IMAGE, IMAGE);
  assert.deepEqual(all([1, -2]), [1, -2]);
  assert.deepEqual(all([-3, 7]), [1, 1]);
  const halved = follower(
    moves(
      [
        [2, 0],
        [0, 2],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    ),
    [8, 8, 1],
    [4, 4, 3],
  );
  assert.deepEqual(halved([2, -4]), [1, 2]);
  assert.equal(halved([2, 1]), null);
  assert.deepEqual(halved([0, 0]), [0, 0]);
  const still = follower(moves([[0, 3]], [[0, 0]]), IMAGE, [7]);
  assert.deepEqual(still([4, -3]), [0, 0]);
  assert.equal(still([1, 0]), null);
  assert.equal(follower([], IMAGE, IMAGE)([0, 1]), null);
});

test("the shifts that survive need not lie along the axes, and may go round", () => {
  const slanted = follower(moves([[1, 1]], [[1, 1]]), [3, 6, 1], [3, 6, 1]);
  assert.deepEqual(slanted([2, -1]), [-1, -1]);
  assert.equal(slanted([0, 1]), null);
  assert.deepEqual(slanted([0, 3]), [0, 3]);
  const odd = follower(moves([[2, 0]], [[2, 0]]), [5, 1, 1], [5, 1, 1]);
  assert.deepEqual(odd([1, 0]), [1, 0]);
});

test("entries that differ are counted, in all and in each channel", () => {
  const kept = remembered(values, IMAGE);
  const moved = rolled(values, IMAGE, [1, 2]);
  assert.deepEqual(compare(moved, kept, [1, 2]).differ, 0);
  moved[5] += 0.5;
  moved[6] += 1e-7;
  const { differ, total, deviation, inChannel } = compare(moved, kept, [-3, 8]);
  assert.deepEqual([differ, total, [...inChannel]], [1, 48, [0, 1]]);
  assert.ok(Math.abs(deviation - 0.5) < 1e-6);
});

test("what is no number equals itself, and hides no difference", () => {
  const odd = Float32Array.of(NaN, Infinity, -Infinity, 1);
  assert.equal(compare(odd, remembered(odd, [4]), [0, 0]).differ, 0);
  assert.equal(compare(Float32Array.of(1, NaN, Infinity, 2), remembered(odd, [4]), [0, 0]).differ, 4);
});

test("where nothing is claimed, the shift that fits best is named", () => {
  const before = Float32Array.from({ length: 16 }, (_, entry) => entry * entry);
  const kept = remembered(before, [4, 4, 1]);
  const image = [8, 8, 1];
  assert.deepEqual(nearest(rolled(before, [4, 4, 1], [1, 0]), kept, [2, 0], image).by, [1, 0]);
  assert.deepEqual(nearest(before, kept, [3, 3], image).by, [0, 0]);
  assert.deepEqual(nearest(Float32Array.of(2, 1), remembered(Float32Array.of(1, 2), [2]), [1, 0], image).differ, 2);
});

test("where a map is larger than the image, its shift may be larger too", () => {
  const shape = [8, 12, 1];
  const before = Float32Array.from({ length: 96 }, (_, entry) => Math.sin(entry * entry));
  const kept = remembered(before, shape);
  assert.deepEqual(nearest(rolled(before, shape, [2, -6]), kept, [1, -2], [4, 4, 3]).by, [2, -6]);
  assert.deepEqual(nearest(rolled(before, shape, [1, 2]), kept, [1, 2], [4, 4, 3]).by, [1, 2]);
  assert.deepEqual(nearest(rolled(before, shape, [1, 2]), kept, [1, 2], [5, 4, 3]).by, [1, 2]);
});

test("a claim that is seen to be false is told", () => {
  const follows = follower(EACH, IMAGE, IMAGE);
  const kept = judge(rolled(values, IMAGE, [1, 0]), remembered(values, IMAGE), follows, [1, 0]);
  assert.equal(kept.broken, false);
  assert.deepEqual(verdictWords(kept), { derived: "derived: moves by (1, 0)", seen: "seen: equal" });
  const broken = judge(values, remembered(values, IMAGE), follows, [0, -1]);
  assert.equal(broken.broken, true);
  assert.deepEqual(verdictWords(broken), {
    derived: "derived: moves by (0, −1)",
    seen: "seen: 48 of 48 entries differ",
  });
  const unclaimed = judge(values, remembered(values, IMAGE), null, [1, 0], IMAGE);
  assert.equal(unclaimed.broken, false);
  assert.deepEqual(verdictWords(unclaimed), { derived: "derived: nothing", seen: "seen: unmoved" });
});
