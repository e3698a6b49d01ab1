// Sums of products: convolutions and matrix products; see ops.js for what the three functions of each are.
import { sumOfProducts } from "./trees.js";

/** For each output pixel along an axis, the taps that meet a pixel, as [tap, pixel]; made on first use. */
function meetings(axis) {
  axis.meetings ??= Array.from({ length: axis.output }, (_, p) =>
    Array.from({ length: axis.window }, (_, t) => [t, p * axis.stride + t * axis.kernel_dilation - axis.low])
      .filter(([, place]) => place % axis.input_dilation === 0)
      .map(([t, place]) => [t, place / axis.input_dilation])
      .filter(([, pixel]) => pixel >= 0 && pixel < axis.size));
  return axis.meetings;
}

/** The sizes of a convolution: what is in a pixel, in a tap, and how they are grouped. */
function sizes(array) {
  const [rows, columns] = array.axes;
  const [into, perGroup] = array.channels;
  const from = array.size / (rows.output * columns.output);
  return { rows, columns, into, perGroup, from, fromPerGroup: from / array.groups };
}

/** The kernel with zeros up to a multiple of four channels a group: four sums at once take a third of the time of one. */
function inFours(array, kernel) {
  if (array.fixed && array.inFours) return array.inFours;
  const { from, fromPerGroup } = sizes(array);
  const wide = 4 * Math.ceil(fromPerGroup / 4);
  const weights = new Float64Array((kernel.length / from) * array.groups * wide);
  for (let k = 0; k < kernel.length; k++) {
    const group = Math.floor((k % from) / fromPerGroup);
    weights[(Math.floor(k / from) * array.groups + group) * wide + (k % from) - group * fromPerGroup] = kernel[k];
  }
  array.inFours = { weights, wide };
  return array.inFours;
}

export const conv = {
  run(array, [x, kernel], out) {
    const { rows, columns, into, perGroup, from, fromPerGroup } = sizes(array);
    const { weights, wide } = inFours(array, kernel);
    const line = array.groups * wide;
    for (let row = 0, pixel = 0; row < rows.output; row++) {
      const below = meetings(rows)[row];
      for (let column = 0; column < columns.output; column++, pixel++) {
        const along = meetings(columns)[column];
        for (let block = 0; block < line; block += 4) {
          const group = Math.floor(block / wide);
          let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
          for (let a = 0; a < below.length; a++) {
            for (let b = 0; b < along.length; b++) {
              const place = (below[a][1] * columns.size + along[b][1]) * into + group * perGroup;
              let weight = (below[a][0] * columns.window + along[b][0]) * perGroup * line + block;
              for (let i = place; i < place + perGroup; i++, weight += line) {
                const value = x[i];
                s0 += value * weights[weight];
                s1 += value * weights[weight + 1];
                s2 += value * weights[weight + 2];
                s3 += value * weights[weight + 3];
              }
            }
          }
          const first = block - group * wide; // of the four in their group; the last four may be fewer
          const place = pixel * from + group * fromPerGroup + first;
          out[place] = s0;
          if (first + 1 < fromPerGroup) out[place + 1] = s1;
          if (first + 2 < fromPerGroup) out[place + 2] = s2;
          if (first + 3 < fromPerGroup) out[place + 3] = s3;
        }
      }
    }
  },
  reads(array, mask, [x, kernel]) {
    const { rows, columns, into, perGroup, from, fromPerGroup } = sizes(array);
    kernel.fill(1);
    for (let pixel = 0; pixel < rows.output * columns.output; pixel++) {
      for (let group = 0; group < array.groups; group++) {
        const first = pixel * from + group * fromPerGroup;
        if (!mask.subarray(first, first + fromPerGroup).includes(1)) continue;
        for (const [, y] of meetings(rows)[Math.floor(pixel / columns.output)]) {
          for (const [, z] of meetings(columns)[pixel % columns.output]) {
            const place = (y * columns.size + z) * into + group * perGroup;
            x.fill(1, place, place + perGroup);
          }
        }
      }
    }
  },
  tree(array, index, entry) {
    const { rows, columns, into, perGroup, from, fromPerGroup } = sizes(array);
    const pixel = Math.floor(index / from);
    const o = index % from;
    const group = Math.floor(o / fromPerGroup);
    const below = new Map(meetings(rows)[Math.floor(pixel / columns.output)]);
    const along = new Map(meetings(columns)[pixel % columns.output]);
    const pairs = [];
    for (let down = 0; down < rows.window; down++) {
      for (let across = 0; across < columns.window; across++) {
        const inside = below.has(down) && along.has(across);
        const place = (below.get(down) * columns.size + along.get(across)) * into + group * perGroup;
        for (let i = 0; i < perGroup; i++) {
          const weight = ((down * columns.window + across) * perGroup + i) * from + o;
          pairs.push([inside ? entry(0, place + i) : { op: "padding", value: 0 }, entry(1, weight)]);
        }
      }
    }
    return sumOfProducts(pairs, [rows.window, columns.window, perGroup]);
  },
};

export const dot = {
  run(array, [a, b], out) {
    const [batch, rows, length, columns] = array.sizes;
    const sums = new Float64Array(columns);
    for (let row = 0; row < batch * rows; row++) {
      const matrix = Math.floor(row / rows) * length * columns;
      sums.fill(0);
      for (let k = 0; k < length; k++) {
        const value = a[row * length + k];
        for (let n = 0; n < columns; n++) sums[n] += value * b[matrix + k * columns + n];
      }
      out.set(sums, row * columns);
    }
  },
  reads(array, mask, [a, b]) {
    const [, rows, length, columns] = array.sizes;
    mask.forEach((marked, index) => {
      if (!marked) return;
      const row = Math.floor(index / columns);
      const matrix = Math.floor(row / rows) * length * columns;
      a.fill(1, row * length, (row + 1) * length);
      for (let k = 0; k < length; k++) b[matrix + k * columns + (index % columns)] = 1;
    });
  },
  tree(array, index, entry) {
    const [, rows, length, columns] = array.sizes;
    const row = Math.floor(index / columns);
    const matrix = Math.floor(row / rows) * length * columns;
    const pairs = Array.from({ length }, (_, k) => [
      entry(0, row * length + k), entry(1, matrix + k * columns + (index % columns)),
    ]);
    return sumOfProducts(pairs, null);
  },
};
