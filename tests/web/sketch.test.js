import assert from "node:assert/strict";
import test from "node:test";

import { dab, pixelsFrom, stroke } from "../../jaxconv/viz/explorer/web/sketch.js";

const SHAPE = [7, 9, 1];
const blank = () => new Float32Array(63);

test("ink covers its middle, leaves what is far, and stays between", () => {
  const pixels = blank();
  dab(pixels, SHAPE, [3.5, 4.5], 1, [1]);
  assert.equal(pixels[3 * 9 + 4], 1);
  assert.equal(pixels[3 * 9 + 5], 0.5);
  assert.equal(pixels[0], 0);
  dab(pixels, SHAPE, [3.5, 4.5], 1, [1]);
  assert.equal(pixels[3 * 9 + 5], 0.75);
  assert.ok(pixels.every((value) => value >= 0 && value <= 1));
});

test("ink beyond the rim is lost, not wrapped", () => {
  const pixels = blank();
  dab(pixels, SHAPE, [0.5, 0.5], 1, [1]);
  dab(pixels, SHAPE, [-40, 90], 3, [1]);
  assert.equal(pixels[0], 1);
  assert.equal(pixels[8] + pixels[62], 0);
});

test("a stroke has no gaps, and each channel its own ink", () => {
  const pixels = new Float32Array(3 * 50 * 3);
  stroke(pixels, [3, 50, 3], [1.5, 0.5], [1.5, 49.5], 0.5, [1, 0, -1]);
  for (let column = 0; column < 50; column += 1) {
    assert.ok(pixels[(50 + column) * 3] > 0.9);
    assert.equal(pixels[(50 + column) * 3 + 1], 0);
    assert.ok(pixels[(50 + column) * 3 + 2] < -0.9);
  }
});

test("colours become grey, or three channels, between low and high", () => {
  const colours = Uint8ClampedArray.of(255, 255, 255, 255, 0, 0, 0, 255, 255, 0, 0, 255);
  const near = (found, wanted) => wanted.forEach((value, number) => assert.ok(Math.abs(found[number] - value) < 1e-6));
  near(pixelsFrom(colours, [1, 3, 1], { low: -1, high: 1 }), [1, -1, -0.402]);
  near(pixelsFrom(colours, [1, 3, 1], { low: 0, high: 1 }, true), [0, 1, 0.701]);
  near(pixelsFrom(colours, [1, 3, 3], { low: 0, high: 2 }), [2, 2, 2, 0, 0, 0, 2, 0, 0]);
});
