import assert from "node:assert/strict";
import test from "node:test";

import { format, scaleOf } from "../../jaxconv/viz/explorer/web/shared.js";

test("numbers are short, with a real minus sign", () => {
  const numbers = [0.1, 12.34567, 255, 123456, 1234567.8, 0.00001, 999999.96];
  assert.equal(numbers.map((number) => format(number)).join(" "), "0.1 12.35 255 123456 1.235e6 1e−5 1e6");
  assert.equal(format(-0.5), "−0.5");
  assert.equal(format(-0), "0");
  assert.equal(format(Math.fround(0.1)), "0.1");
  assert.equal(format(NaN), "NaN");
  assert.equal(format(-Infinity), "−∞");
  assert.equal(format(1 / 3, 2), "0.33");
});

test("a scale is signed where a number is negative, and has a width", () => {
  assert.deepEqual(scaleOf([1, 3], 2), { signed: false, low: 1, high: 3 });
  assert.deepEqual(scaleOf([-1, 3], 2), { signed: true, low: -3, high: 3 });
  assert.deepEqual(scaleOf([-1, 3], 2, { signed: false }), { signed: false, low: -1, high: 3 });
  assert.deepEqual(scaleOf([2, 2], 2), { signed: false, low: 2, high: 3 });
  assert.deepEqual(scaleOf([0, 0], 2, { signed: true }), { signed: true, low: -1, high: 1 });
  assert.deepEqual(scaleOf([NaN, Infinity, 5], 3, { low: 0 }), { signed: false, low: 0, high: 5 });
  assert.deepEqual(scaleOf([], 0), { signed: false, low: 0, high: 1 });
});

test("a scale looks at one channel, or at three", () => {
  const values = [0, 1, 9, 2, -7, 3];
  assert.deepEqual(scaleOf(values, 2, { stride: 3 }), { signed: false, low: 0, high: 2 });
  assert.deepEqual(scaleOf(values, 2, { stride: 3, offset: 1 }), { signed: true, low: -7, high: 7 });
  assert.deepEqual(scaleOf(values, 2, { stride: 3, colours: true }), { signed: false, low: -7, high: 9 });
});
