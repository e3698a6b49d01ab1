// A sum of products, channel by channel: the patch of the input, the kernel, their products and what they add up to.
import { element, format } from "./shared.js";
import { cellGrid, tint } from "./view-cells.js";
import { indices } from "./view-pictures.js";
import { numberRow } from "./view-scores.js";

const PAGE = 4; // channels at a time
const LISTED = 20; // products of a dense layer that are listed one by one

/** The products of a window: `{channel, patch, kernel, subtotal, padded}` of each of its channels, rows after rows. */
export function channelSums(dot, network) {
  const [rows, columns, channels] = dot.window;
  return Array.from({ length: channels }, (_, channel) => {
    const taps = Array.from({ length: rows * columns }, (_, tap) => dot.pairs[tap * channels + channel]);
    const kernel = taps.map(([, weight]) => weight);
    const patch = taps.map(([entry]) => entry.value);
    return {
      name: channelName(taps, network, channel),
      columns,
      patch,
      kernel,
      products: patch.map((value, tap) => value * kernel[tap]),
      padded: taps.map(([entry]) => entry.op === "padding"),
      subtotal: patch.reduce((sum, value, tap) => sum + value * kernel[tap], 0),
    };
  });
}

// A group of channels starts anywhere: which channel it is, an entry of the input knows.
function channelName(taps, network, channel) {
  const found = taps.map(([tree]) => tree).find((tree) => tree.op === "entry");
  if (!found) return `channel ${channel}`;
  const shape = network.shapeOf(found.node);
  return `channel ${indices(shape, found.index)[shape.length - 1]}`;
}

/** A panel that shows sums of windows, some channels at a time; `show(dot)` puts another in. */
export function windowPanel(network) {
  const [back, on] = [
    element("button", { type: "button" }, "← channels"),
    element("button", { type: "button" }, "channels →"),
  ];
  const [where, body] = [element("span", {}), element("div", { class: "windows" })];
  const pager = element("div", { class: "pager" }, back, where, on);
  const panel = { first: 0, channels: [], rows: [], where, body, pager, back, on };
  back.addEventListener("click", () => turn(panel, -PAGE));
  on.addEventListener("click", () => turn(panel, PAGE));
  return {
    element: element("div", {}, pager, body),
    reset: () => (panel.first = 0),
    show: (dot) => {
      panel.channels = channelSums(dot, network);
      turn(panel, 0);
    },
  };
}

function turn(panel, by) {
  const count = panel.channels.length;
  panel.first = Math.min(Math.max(panel.first + by, 0), Math.max(Math.ceil(count / PAGE) - 1, 0) * PAGE);
  const here = panel.channels.slice(panel.first, panel.first + PAGE);
  const rest = sum(panel.channels) - sum(here);
  panel.pager.hidden = count <= PAGE;
  const range = `${panel.first + 1} to ${panel.first + here.length} of ${count}`;
  panel.where.textContent = `${range}; the others add ${format(rest)}`;
  panel.back.disabled = panel.first === 0;
  panel.on.disabled = panel.first + PAGE >= count;
  if (panel.rows.length !== here.length || panel.rows[0].kind !== kindOf(here[0])) {
    panel.rows = here.map(channelRow);
    panel.body.replaceChildren(...panel.rows.map((row) => row.body));
  }
  panel.rows.forEach((row, number) => fillRow(row, here[number]));
}

function sum(channels) {
  return channels.reduce((total, { subtotal }) => total + subtotal, 0);
}

function channelRow({ columns, kernel }) {
  const grids = ["input", "kernel", "products"].map((name) => cellGrid(name, columns, kernel.length));
  const [input, weights, products] = grids.map((grid) => grid.element);
  const sign = (text) => element("span", { class: "operator", "aria-hidden": "true" }, text);
  const title = element("strong", {});
  const body = element(
    "div",
    { class: "window", role: "group" },
    title,
    input,
    sign("×"),
    weights,
    sign("→"),
    products,
  );
  return { body, title, grids, kind: kindOf({ columns, kernel }) };
}

function kindOf({ columns, kernel }) {
  return `${kernel.length} / ${columns}`;
}

function fillRow({ body, title, grids }, { name, patch, kernel, products, padded, subtotal }) {
  title.textContent = `${name} adds ${format(subtotal)}`;
  body.setAttribute("aria-label", title.textContent);
  const kinds = padded.map((outside) => (outside ? "padded" : ""));
  grids[0].show(patch, kinds);
  grids[1].show(kernel);
  grids[2].show(products, kinds);
}

/** A dense layer's products as a table, the largest first, and what the others add. */
export function productTable(dot, network) {
  const terms = dot.pairs.map(([tree, weight]) => ({ tree, weight, product: tree.value * weight }));
  const kept = terms.toSorted((a, b) => Math.abs(b.product) - Math.abs(a.product)).slice(0, LISTED);
  const most = Math.abs(kept[0]?.product ?? 0) || 1;
  const rows = kept.map(({ tree, weight, product }) => {
    const row = numberRow([entryName(tree, network), format(tree.value), format(weight), format(product)]);
    row.lastChild.style.backgroundColor = tint(product, most);
    return row;
  });
  if (kept.length < terms.length) {
    const rest =
      terms.reduce((total, { product }) => total + product, 0) -
      kept.reduce((total, { product }) => total + product, 0);
    rows.push(numberRow([`other ${terms.length - kept.length}`, "", "", format(rest)], "total"));
  }
  const head = element(
    "tr",
    {},
    ...["input", "value", "weight", "product"].map((name) => element("th", { scope: "col" }, name)),
  );
  return element("table", { class: "numbers" }, element("thead", {}, head), element("tbody", {}, ...rows));
}

/** An entry's place as Python writes it. */
export function entryName(tree, network) {
  return tree.op === "entry" ? `[${indices(network.shapeOf(tree.node), tree.index).join(", ")}]` : tree.op;
}
