import assert from "node:assert/strict";
import test from "node:test";

import { anyChannel, readsWords } from "../../jaxconv/viz/explorer/web/view-fields.js";

function reading(rows, columns, [height, width, channels], channel) {
  const mask = new Uint8Array(height * width * channels);
  for (const row of rows) for (const column of columns) mask[(row * width + column) * channels + channel] = 1;
  return mask;
}

test("a pixel of which any channel is read is read", () => {
  assert.deepEqual([...anyChannel(Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 1), 2)], [1, 1, 0, 0, 0, 0, 1, 1]);
  assert.deepEqual([...anyChannel(Uint8Array.of(0, 1), 1)], [0, 1]);
});

test("what is read has words, round the edges and with gaps too", () => {
  const shape = [28, 6, 4];
  const words = (rows, columns) => readsWords(reading(rows, columns, shape, 3), shape);
  assert.equal(words([7, 8, 9], [2, 3]), "reads rows 7 to 9, columns 2 to 3 of the image");
  assert.equal(words([26, 27, 0, 1, 2], [5]), "reads rows 26 to 27 and 0 to 2, column 5 of the image");
  assert.equal(words([27, 0], [0, 1, 2, 3, 4, 5]), "reads rows 27 and 0, columns 0 to 5 of the image");
  assert.equal(words([26, 0, 2], [0, 2, 4]), "reads 3 of rows 26 and 0 to 2, 3 of columns 0 to 4 of the image");
  assert.equal(words([...Array(28).keys()], [0, 1, 2, 3, 4, 5]), "reads all rows and columns of the image");
  assert.equal(words([], []), "");
});
