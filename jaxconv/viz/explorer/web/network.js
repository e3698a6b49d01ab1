// The model in the page: a program, the pictures of its layers, and what each number is made of.
import { decode, sizeOf } from "./arrays.js";
import { FUNCTIONS } from "./functions.js";
import { OPS } from "./ops.js";

const IMAGE = -1;
const MOST = 20000; // leaves of a formula; what is longer nobody reads

/** A model as Python wrote it; computes where it can, and else shows what Python computed. */
export class Network {
  constructor(data) {
    this.data = data;
    this.nodes = data.nodes;
    this.arrays = (data.program?.arrays ?? []).map(unpacked);
    this.nodeOf = new Map(this.nodes.map((node, number) => [node.place, number]));
    this.nodeOf.set(0, IMAGE);
    this.buffers = this.arrays.map((array) => array.values ?? new Float32Array(array.size));
    this.given = new Map();
    this.arrays.forEach((array, place) => this.#constant(array) && this.#compute(array, place));
    this.show(0);
  }

  /** Take one of the images that Python sent along. */
  show(number) {
    const image = this.data.images[number];
    const pixels = decode(image.pixels);
    if (this.data.live) return this.run(pixels);
    this.input = pixels;
    this.given = new Map(image.values.map((values, node) => [node, spread(this.nodes[node], decode(values))]));
  }

  /** Compute everything from an image, `height width channels` in one row. */
  run(pixels) {
    this.input = pixels;
    this.buffers[0] = pixels;
    this.arrays.forEach((array, place) => array.operands && !array.constant && this.#compute(array, place));
  }

  /** The entries of a node; of the image, if `node` is -1. */
  value(node) {
    if (node === IMAGE) return this.input;
    return this.data.live ? this.buffers[this.nodes[node].place] : this.given.get(node);
  }

  /** Height, width and channels; or how many units. */
  shapeOf(node) {
    return node === IMAGE ? this.data.image.shape : this.nodes[node].shape;
  }

  /** How far the page's class scores are from JAX's for image `number`, which is the one that is shown. */
  deviation(number) {
    const found = this.value(this.data.logits);
    const apart = (score, k) => (Object.is(score, found[k]) ? 0 : Math.abs(score - found[k]));
    return decode(this.data.images[number].scores).reduce((most, score, k) => Math.max(most, apart(score, k)), 0);
  }

  /** Whether that is more than rounding: more than 1e-4, or than that part of the largest score. */
  deviates(number) {
    const sizes = Array.from(decode(this.data.images[number].scores), Math.abs).filter(Number.isFinite);
    return !(this.deviation(number) <= 1e-4 * Math.max(1, ...sizes));
  }

  /** For each node that an entry depends on, and the image, which of its entries; null if that is not known. */
  reads(node, index) {
    if (!this.arrays.length) return null;
    const masks = this.arrays.map(() => null);
    const place = this.nodes[node].place;
    masks[place] = new Uint8Array(this.arrays[place].size);
    masks[place][index] = 1;
    for (let p = place; p > 0; p--) {
      const array = this.arrays[p];
      if (!masks[p]) continue;
      if (array.kind === "given") return null;
      if (!array.operands || array.constant) continue;
      const theirs = array.operands.map((o) => (masks[o] ??= new Uint8Array(this.arrays[o].size)));
      OPS[array.kind].reads(array, masks[p], theirs);
    }
    const found = new Map();
    for (const [p, number] of this.nodeOf) if (masks[p] && number !== node) found.set(number, masks[p]);
    return found;
  }

  /** An entry as a tree of the entries of shown pictures and of numbers; null if it is not known or too long. */
  formula(node, index) {
    if (!this.arrays.length) return null;
    const start = this.nodes[node].place;
    let leaves = 0;
    const entry = (place, i) => {
      const array = this.arrays[place];
      const shown = this.nodeOf.get(place);
      if (++leaves > MOST || (array.kind === "given" && shown === undefined)) throw new Unwritten();
      if (array.constant) return { op: "number", value: this.buffers[place][i] };
      if (shown !== undefined && place !== start) return this.#entry(shown, i);
      if (!array.operands) throw new Unwritten();
      const sizes = array.operands.map((operand) => this.arrays[operand].size);
      return OPS[array.kind].tree(array, i, (which, j) => entry(array.operands[which], j), sizes);
    };
    try {
      return entry(start, index);
    } catch (error) {
      if (error instanceof Unwritten) return null;
      throw error;
    }
  }

  /** The classes with their scores, the exponentials of these (less the largest score) and their shares. */
  softmax() {
    const scores = Array.from(this.value(this.data.logits));
    const named = (k, row) => ({ name: this.data.classNames[k], logit: scores[k], ...row });
    if (this.data.probabilities) return scores.map((share, k) => named(k, { exponential: null, probability: share }));
    const most = scores.reduce((a, b) => Math.max(a, b));
    const exponentials = scores.map((score) => FUNCTIONS.exp(score - most));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    return exponentials.map((exponential, k) => named(k, { exponential, probability: exponential / sum }));
  }

  #entry(node, index) {
    const { shape, shown } = this.nodes[node] ?? {};
    // Of a page that does not compute, only what is shown is known.
    if (node !== IMAGE && !this.data.live && !shown.includes(index % (shape.at(-1) ?? 1))) throw new Unwritten();
    return { op: "entry", node, index, value: this.value(node)[index] };
  }

  #constant(array) {
    if (!array.operands) return false;
    array.constant = array.operands.every((operand) => this.arrays[operand].constant);
    return array.constant;
  }

  #compute(array, place) {
    OPS[array.kind].run(array, array.operands.map((operand) => this.buffers[operand]), this.buffers[place]);
  }
}

class Unwritten extends Error {}

function unpacked(array) {
  if (array.kind === "constant") return { ...array, constant: true, values: decode(array.values) };
  return array.table ? { ...array, table: decode(array.table) } : { ...array };
}

/** The entries of a node of which Python sent only the shown channels; the others are unknown. */
function spread(node, values) {
  const channels = node.shape.at(-1) ?? 1;
  const out = new Float32Array(sizeOf(node.shape)).fill(NaN);
  node.shown.forEach((channel, k) => {
    for (let i = 0; i * channels < out.length; i++) out[i * channels + channel] = values[i * node.shown.length + k];
  });
  return out;
}
