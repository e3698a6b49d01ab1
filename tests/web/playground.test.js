import assert from "node:assert/strict";
import test from "node:test";

import { axisOver, cellsOf, pixelAt } from "../../jaxconv/viz/explorer/web/kernel.js";
import { resized } from "../../jaxconv/viz/explorer/web/playground-form.js";
import { sumWords } from "../../jaxconv/viz/explorer/web/playground-sum.js";

const plain = { stride: 1, padding: "VALID", mode: "zeros", dilation: 1 };

test("a window that does not fit is an error that says so", () => {
  assert.throws(() => axisOver(3, 3, { ...plain, dilation: 2 }), /spans 5 pixels but the padded image has only 3/);
  assert.throws(() => axisOver(1, 3, { ...plain, padding: [1, 1], mode: "reflect" }), /at least 2/);
  assert.throws(() => axisOver(3, 3, { ...plain, padding: [50, 50] }, 100), /103 pixels along an axis; 100/);
  assert.equal(axisOver(3, 3, { ...plain, padding: [50, 50] }, 103).output, 101);
});

test("boundaries repeat pixels, however far beyond the border", () => {
  const around = (mode, size) => Array.from({ length: 11 }, (_, at) => pixelAt(mode, at - 4, size)).join(" ");
  assert.equal(around("zeros", 3), "-1 -1 -1 -1 0 1 2 -1 -1 -1 -1");
  assert.equal(around("circular", 3), "2 0 1 2 0 1 2 0 1 2 0");
  assert.equal(around("reflect", 3), "0 1 2 1 0 1 2 1 0 1 2");
  assert.equal(around("symmetric", 3), "2 2 1 0 0 1 2 2 1 0 0");
  assert.equal(around("edge", 3), "0 0 0 0 0 1 2 2 2 2 2");
});

test("the cells of an output pixel are those of its window, padding apart", () => {
  const axes = [2, 1].map((dilation) => axisOver(4, 3, { ...plain, stride: 2, padding: [1, 1], dilation }));
  const cells = cellsOf([0, 1], axes);
  assert.deepEqual(cells.map(({ row }) => row), [0, 0, 0, 2, 2, 2, 4, 4, 4]);
  assert.deepEqual(cells.map(({ column }) => column), [2, 3, 4, 2, 3, 4, 2, 3, 4]);
  assert.deepEqual(cells.map(({ inside }) => inside), [false, false, false, ...Array(6).fill(true)]);
});

test("weights stay in the middle when the kernel changes its size", () => {
  const small = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const large = resized(small, 3, 5);
  assert.deepEqual(large.slice(5, 10), [0, 1, 2, 3, 0]);
  assert.equal(large.reduce((sum, weight) => sum + weight), 45);
  assert.deepEqual(resized(large, 5, 3), small);
});

test("the sum is told in words", () => {
  const terms = [{ value: 2, weight: 3, inside: true }, { value: 1, weight: -10, inside: false }];
  assert.equal(sumWords(terms, 1), "2 products, 1 of them with padding (dotted), add up to −4");
  assert.equal(sumWords(terms.slice(0, 1), 4), "1 products add up to 6; divided by 4: 1.5");
});
