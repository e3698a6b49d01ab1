// What of the image a number is computed from: as one mask for all its channels, and in words; without a page.

/** A mask that holds all channels of the pixels of which `mask` holds any. */
export function anyChannel(mask, channels) {
  const found = new Uint8Array(mask.length);
  for (let entry = 0; entry < mask.length; entry += 1) {
    const first = entry - (entry % channels);
    if (mask[entry]) found.fill(1, first, first + channels);
  }
  return found;
}

/** The rows and columns of the image that `mask` holds, in words and from 0, as indices are; "" if it holds none. */
export function readsWords(mask, [height, width, channels]) {
  const [rows, columns] = [new Set(), new Set()];
  for (let entry = 0; entry < mask.length; entry += 1) {
    if (!mask[entry]) continue;
    const pixel = Math.floor(entry / channels);
    rows.add(Math.floor(pixel / width));
    columns.add(pixel % width);
  }
  if (rows.size === 0) return "";
  if (rows.size === height && columns.size === width) return "reads all rows and columns of the image";
  return `reads ${range("row", rows, height)}, ${range("column", columns, width)} of the image`;
}

// Split at the widest gap, where that is not the one from the last round to the first.
function range(name, held, size) {
  const read = [...held].sort((a, b) => a - b);
  const last = read[read.length - 1];
  let [gap, start] = [read[0] + size - last, 0];
  for (let number = 1; number < read.length; number += 1) {
    if (read[number] - read[number - 1] > gap) [gap, start] = [read[number] - read[number - 1], number];
  }
  const parts = start === 0 ? [[read[0], last]] : [[read[start], last], [read[0], read[start - 1]]];
  const covered = parts.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const words = parts.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(" and ");
  return `${covered > read.length ? `${read.length} of ` : ""}${name}${covered > 1 ? "s" : ""} ${words}`;
}
