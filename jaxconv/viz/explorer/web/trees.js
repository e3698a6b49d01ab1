// One number written out as what it is made of: trees of {op, value, ...}.
//   {op: "entry", node, index}    of a picture that is shown          {op: "number"}, {op: "padding"}
//   {op: "dot", pairs, window}    a sum of [tree, weight]             {op: "sum" | "max" | ..., args}
import { FOLDS, FUNCTIONS } from "./functions.js";
import { format } from "./shared.js";

// Names for people, of functions whose JAX names are not theirs.
const NAMES = { add: "sum", mul: "times", sub: "minus", div: "over", pow: "power" };
const SIGNS = { times: "·", minus: " − ", over: " / ", power: "^" };
const ONE_ROW = new Set(["sum", "max", "min"]); // a + (b + c) is a + b + c

/** The tree of a function of trees. */
export function call(name, args) {
  const op = NAMES[name] ?? name;
  const value = FUNCTIONS[name](...args.map((arg) => arg.value));
  const constant = args.every((arg) => arg.op === "number");
  if (constant) return { op: "number", value };
  if (!ONE_ROW.has(op)) return { op, args, value };
  return { op, args: args.flatMap((arg) => (arg.op === op ? arg.args : [arg])), value };
}

/** The tree of a sum, or largest or least, of trees. */
export function fold(op, args) {
  const [start, f] = FOLDS[op];
  return args.length === 1 ? args[0] : { op, args, value: args.reduce((found, arg) => f(found, arg.value), start) };
}

/** The tree of products added up; `window` says how the pairs lie in a kernel. */
export function sumOfProducts(pairs, window) {
  const value = pairs.reduce((sum, [a, b]) => sum + a.value * b.value, 0);
  const weighed = pairs.every(([, b]) => b.op === "number");
  if (weighed) return { op: "dot", pairs: pairs.map(([a, b]) => [a, b.value]), window, value };
  return { op: "sum", args: pairs.map(([a, b]) => ({ op: "times", args: [a, b], value: a.value * b.value })), value };
}

/** A line such as "0.5·2 + 0.1 = 1.1", of at most so many terms a sum. */
export function write(tree, most = 30) {
  return `${body(tree, most)} = ${format(tree.value)}`;
}

function body(tree, most) {
  if (tree.op === "dot") {
    return listed(tree.pairs, ([entry, weight]) => `${factor(entry, most)}·${bracketed(weight)}`, " + ", most);
  }
  if (!tree.args) return format(tree.value);
  if (tree.op === "sum") return listed(tree.args, (arg) => (arg.value < 0 && !arg.args ? factor(arg, most) : body(arg, most)), " + ", most);
  if (tree.op in SIGNS) return tree.args.map((arg) => factor(arg, most)).join(SIGNS[tree.op]);
  return `${tree.op}(${listed(tree.args, (arg) => body(arg, most), ", ", most)})`;
}

function factor(tree, most) {
  const lone = !tree.args && !tree.pairs;
  if (lone) return bracketed(tree.value);
  return tree.op in SIGNS || tree.op === "sum" || tree.op === "dot" ? `(${body(tree, most)})` : body(tree, most);
}

function bracketed(number) {
  return number < 0 ? `(${format(number)})` : format(number);
}

function listed(terms, text, joint, most) {
  const shown = terms.slice(0, most).map(text).join(joint);
  return terms.length > most ? `${shown}${joint}… (${terms.length} terms)` : shown;
}
