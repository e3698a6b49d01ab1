// How one number is computed, written out with the numbers that it is computed from.
import { element, format } from "./shared.js";
import { write } from "./trees.js";
import { cellGrid } from "./view-cells.js";
import { indices } from "./view-pictures.js";
import { softmaxTable } from "./view-scores.js";
import { entryName, productTable, windowPanel } from "./view-sums.js";

const TERMS = 12; // of a sum in one line; the panels have them all
const LEAVES = 400; // numbers of a pool that are shown one by one

/** A panel whose `show(node, entry)` writes out an entry and returns it as one line of text. */
export function formulaPanel(network, logits) {
  const body = element("div", { class: "formula" });
  const windows = windowPanel(network);
  let last = null;
  return {
    element: body,
    show: (node, entry) => {
      const channel = network.shapeOf(node).length === 3 ? entry % network.shapeOf(node)[2] : null;
      if (last !== `${node} ${channel}`) windows.reset();
      last = `${node} ${channel}`;
      const steps = stepsTo(network, node, entry);
      const made = steps.map((step) => stepBlock(network, step, step.node === node, windows));
      const table = node === logits ? softmaxTable(network, entry) : null;
      if (table) made.push(element("section", {}, element("h3", {}, "softmax"), table));
      body.replaceChildren(...made);
      return lineOf(
        network,
        steps.find((step) => step.node === node),
      );
    },
    clear: () => body.replaceChildren(),
  };
}

/** The entry with what it is an elementwise function of, before it, and the elementwise function that comes next. */
function stepsTo(network, node, entry) {
  const steps = [stepOf(network, node, entry)];
  while (alike(network, steps[0])) steps.unshift(stepOf(network, steps[0].only.node, entry));
  for (const number of network.nodes.keys()) {
    const { inputs } = network.nodes[number];
    if (inputs.length !== 1 || inputs[0] !== node || !sameShape(network, number, node)) continue;
    const next = stepOf(network, number, entry);
    if (next.tree?.args && next.only?.index === entry) steps.push(next);
    break;
  }
  return steps;
}

function stepOf(network, node, entry) {
  const tree = network.formula(node, entry);
  return { node, entry, tree, only: tree && onlyEntry(tree) };
}

function alike(network, { node, entry, only }) {
  return Boolean(only) && only.node >= 0 && only.index === entry && sameShape(network, only.node, node);
}

function sameShape(network, a, b) {
  return String(network.shapeOf(a)) === String(network.shapeOf(b));
}

// The one entry of another layer that a tree is made of; null if there are several.
function onlyEntry(tree) {
  if (tree.op === "entry") return tree;
  if (tree.pairs || !tree.args) return null;
  const found = tree.args.filter((arg) => arg.op !== "number").map(onlyEntry);
  const same =
    found.length > 0 && found.every((one) => one && one.node === found[0].node && one.index === found[0].index);
  return same ? found[0] : null;
}

function stepBlock(network, step, chosen, windows) {
  const { name, kind } = network.nodes[step.node];
  const at = indices(network.shapeOf(step.node), step.entry).join(", ");
  const heading = element(
    "h3",
    { class: chosen ? "chosen" : null },
    `${name}[${at}]`,
    element("span", { class: "faint" }, ` ${kind}`),
  );
  const detail = step.tree ? detailOf(step.tree, network, windows) : null;
  return element("section", {}, heading, detail, element("p", { class: "line" }, lineOf(network, step)));
}

function lineOf(network, { node, entry, tree }) {
  if (tree === null)
    return `this layer's sum can't be written out in the page; its value is ${format(network.value(node)[entry])}`;
  if (tree.op === "entry")
    return `entry ${entryName(tree, network)} of ${nameOf(network, tree.node)} = ${format(tree.value)}`;
  const dot = tree.op === "sum" ? tree.args.find((arg) => arg.op === "dot") : null;
  if (tree.op === "dot" && tree.pairs.length > TERMS)
    return `the sum of ${tree.pairs.length} products = ${format(tree.value)}`;
  if (!dot || dot.pairs.length <= TERMS) return write(tree, TERMS);
  const others = tree.args.filter((arg) => arg !== dot).map((arg) => ` + ${inBrackets(arg)}`);
  return `${format(dot.value)} from ${dot.pairs.length} products${others.join("")} = ${format(tree.value)}`;
}

function inBrackets(tree) {
  const text = tree.args || tree.pairs ? write(tree, TERMS).split(" = ")[0] : format(tree.value);
  return tree.args || tree.pairs || tree.value < 0 ? `(${text})` : text;
}

function nameOf(network, node) {
  return node < 0 ? "the image" : network.nodes[node].name;
}

function detailOf(tree, network, windows) {
  const dot = tree.op === "dot" ? tree : (tree.op === "sum" && tree.args.find((arg) => arg.op === "dot")) || null;
  if (dot?.window?.length === 3) {
    windows.show(dot);
    return windows.element;
  }
  if (dot) return productTable(dot, network);
  const gathered = tree.args?.length > 2 ? tree : tree.args?.find((arg) => arg.args?.length > 2);
  return gathered && gathered.args.every((arg) => !arg.args && !arg.pairs) ? numbersOf(gathered, network) : null;
}

// The numbers of a pool's window, laid out as they lie in the map; of a largest or least, the winner marked.
function numbersOf({ op, args, value }, network) {
  const shown = args.slice(0, LEAVES);
  const winner = op === "sum" ? null : args.find((arg) => arg.value === value);
  const label = `${op} of ${args.length} numbers`;
  const grid = cellGrid(label, columnsAcross(shown, network), shown.length);
  grid.show(
    shown.map((arg) => arg.value),
    shown.map((arg) => (arg === winner ? "winner" : arg.op === "padding" ? "padded" : "")),
  );
  const more = args.length > LEAVES ? `, of which ${LEAVES} are shown` : "";
  return element("div", { class: "window" }, element("strong", {}, label + more), grid.element);
}

function columnsAcross(args, network) {
  const rows = args.map((arg) => (arg.op === "entry" ? indices(network.shapeOf(arg.node), arg.index)[0] : null));
  const known = rows.filter((row) => row !== null);
  const side = Math.sqrt(args.length);
  if (known.length < args.length) return Number.isInteger(side) ? side : args.length;
  const inFirst = rows.filter((row) => row === rows[0]).length;
  return args.length % inFirst === 0 ? Math.min(inFirst, 20) : Math.min(args.length, 20);
}
