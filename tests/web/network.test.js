import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../jaxconv/viz/explorer/web/network.js";

const encode = (numbers) => ({ dtype: "float32", data: Buffer.from(Float32Array.from(numbers).buffer).toString("base64") });

/** A network that shows `found` where JAX has computed `expected`. */
function networkOf(expected, found) {
  const node = { place: 1, shape: [found.length], shown: [...found.keys()], inputs: [-1] };
  const image = { pixels: encode([0]), scores: encode(expected), values: [encode(found)] };
  return new Network({ nodes: [node], images: [image], image: { shape: [1, 1, 1] }, logits: 0, live: false, program: null });
}

test("scores that differ by rounding agree, with finite numbers or without", () => {
  for (const [expected, found, apart, deviates] of [
    [[1, 2], [1, 2.00003], 3e-5, false],
    [[1, 2000], [1, 2000.1], 0.1, false],
    [[1, 2], [1, 2.001], 1e-3, true],
    [[-Infinity, 1], [-Infinity, 1], 0, false],
    [[NaN, 1], [NaN, 1], 0, false],
    [[1, 2], [NaN, 2], NaN, true],
    [[-Infinity, 1], [0, 1], Infinity, true],
  ]) {
    const network = networkOf(expected, found);
    const seen = network.deviation(0);
    assert.ok(Object.is(seen, apart) || Math.abs(seen - apart) < 1e-4, `${seen} is not ${apart}`);
    assert.equal(network.deviates(0), deviates);
  }
});
