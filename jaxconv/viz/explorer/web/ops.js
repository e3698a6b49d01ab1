// What the instructions of a program do (program.py says which there are). Each kind has three readings:
//   run(array, operands, out)      computes `out` from the entries of the operands
//   reads(array, mask, masks)      marks in the operands' masks what the marked entries of `out` are made of
//   tree(array, index, entry)      writes out one entry; entry(operand, index) is the tree of an entry of an operand
import { FOLDS, FUNCTIONS } from "./functions.js";
import { conv, dot } from "./products.js";
import { call, fold } from "./trees.js";

/** Where in the row of all operands the entry `index` of a `take` comes from. */
function origin(array, index) {
  if (array.table) return array.table[index];
  const [start, sizes, strides] = array.affine;
  let place = start;
  for (let axis = sizes.length - 1, rest = index; axis >= 0; axis--) {
    place += (rest % sizes[axis]) * strides[axis];
    rest = Math.floor(rest / sizes[axis]);
  }
  return place;
}

/** All origins of a `take` at once, made on first use. */
function origins(array) {
  if (!array.table) array.table = Int32Array.from({ length: array.size }, (_, index) => origin(array, index));
  return array.table;
}

/** Which of several operands of these sizes an origin lies in, and where. */
function within(sizes, place) {
  let which = 0;
  while (place >= sizes[which]) place -= sizes[which++];
  return [which, place];
}

const take = {
  run(array, operands, out) {
    const table = origins(array);
    if (operands.length === 1) {
      const [only] = operands;
      for (let i = 0; i < out.length; i++) out[i] = only[table[i]];
      return;
    }
    const row = new Float32Array(operands.reduce((sum, operand) => sum + operand.length, 0));
    operands.reduce((first, operand) => (row.set(operand, first), first + operand.length), 0);
    for (let i = 0; i < out.length; i++) out[i] = row[table[i]];
  },
  reads(array, mask, masks) {
    const table = origins(array);
    const sizes = masks.map((other) => other.length);
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      const [which, place] = within(sizes, table[i]);
      masks[which][place] = 1;
    }
  },
  tree(array, index, entry, sizes) {
    const [which, place] = within(sizes, origin(array, index));
    const found = entry(which, place);
    // A lone number among other operands is what `pad` puts around them.
    return found.op === "number" && sizes.length > 1 && sizes[which] === 1 ? { ...found, op: "padding" } : found;
  },
};

const map = {
  run(array, operands, out) {
    const f = FUNCTIONS[array.name];
    const [a, b, c] = operands;
    const [i1, j1, k1] = operands.map((operand) => Number(operand.length > 1));
    if (operands.length === 1) for (let i = 0; i < out.length; i++) out[i] = f(a[i * i1]);
    else if (operands.length === 2) for (let i = 0; i < out.length; i++) out[i] = f(a[i * i1], b[i * j1]);
    else for (let i = 0; i < out.length; i++) out[i] = f(a[i * i1], b[i * j1], c[i * k1]);
  },
  reads(array, mask, masks) {
    for (const other of masks) {
      if (other.length === mask.length) mask.forEach((marked, i) => marked && (other[i] = 1));
      else if (mask.some(Boolean)) other[0] = 1;
    }
  },
  tree(array, index, entry, sizes) {
    return call(array.name, sizes.map((size, which) => entry(which, size > 1 ? index : 0)));
  },
};

const reduce = {
  run(array, [rows], out) {
    const [start, f] = FOLDS[array.name];
    for (let i = 0; i < out.length; i++) {
      let found = start;
      for (let k = 0; k < array.length; k++) found = f(found, rows[i * array.length + k]);
      out[i] = found;
    }
  },
  reads(array, mask, [rows]) {
    mask.forEach((marked, i) => marked && rows.fill(1, i * array.length, (i + 1) * array.length));
  },
  tree(array, index, entry) {
    return fold(array.name, Array.from({ length: array.length }, (_, k) => entry(0, index * array.length + k)));
  },
};

export const OPS = { take, map, reduce, conv, dot };
