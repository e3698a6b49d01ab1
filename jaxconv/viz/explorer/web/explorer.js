// The explorer page: what is chosen, what has changed since the last frame, and who draws it.
import { Network } from "./network.js";
import { element, pageData } from "./shared.js";
import { answerParts } from "./view-answer.js";
import { columnsOf } from "./view-columns.js";
import { detailPanel } from "./view-detail.js";
import { edgesOf } from "./view-edges.js";
import { anyChannel, readsWords } from "./view-fields.js";
import { formulaPanel } from "./view-formula.js";
import { inputPanel } from "./view-input.js";
import { middle } from "./view-pictures.js";
import { scoresOf } from "./view-scores.js";
import { rolled, wrapped } from "./view-shift.js";
import { verdictsOn } from "./view-verdicts.js";

/** Build the page from its data. */
export function start() {
  const data = pageData();
  const network = new Network(data);
  const page = {
    data,
    network,
    number: 0,
    pixels: network.input.slice(),
    shift: [0, 0],
    node: -1,
    entry: -1,
    changed: new Set(),
    waiting: false,
  };
  build(page);
  help();
  const last = network.nodes.length - 1;
  const first = network.nodes.findIndex((node) => node.shape.length === 3);
  chooseMap(page, first < 0 ? last : first, null, -1);
  soon(page, "values");
}

function build(page) {
  const { data, network } = page;
  const choose = (node, picture, entry) => chooseMap(page, node, picture, entry);
  page.status = document.getElementById("status");
  const hover = (node, picture) => page.edges.hovered(node, picture);
  const read = (text) => (page.status.textContent = text);
  page.columns = columnsOf(network, data, { choose, hover, read });
  page.edges = edgesOf(network, page.columns);
  page.detail = detailPanel(network, page.columns, (entry) => pointAt(page, entry));
  page.formula = formulaPanel(network, data.logits);
  page.verdicts = verdictsOn(network, data, page.columns);
  page.input = inputPanel(network, data, inputActions(page));
  const within = element("div", { class: "layers" }, page.edges.element, page.columns.element);
  if (data.logits !== null) {
    page.scores = scoresOf(network, data, (unit) => choose(data.logits, null, unit));
    page.columns.element.append(page.scores.element);
  }
  place("network", within);
  place("input", page.input.element);
  place("detail", page.detail.element, page.formula.element);
  place("notes", ...data.notes.map((note) => element("li", {}, note)));
  new ResizeObserver(() => page.edges.layout()).observe(within);
}

function place(id, ...children) {
  document.getElementById(id).append(...children);
}

function inputActions(page) {
  return {
    show: (number) => {
      page.network.show(number);
      Object.assign(page, { number, pixels: page.network.input.slice(), shift: [0, 0] });
      soon(page, "pixels");
    },
    take: (pixels) => {
      Object.assign(page, { number: null, pixels, shift: [0, 0] });
      soon(page, "pixels");
    },
    move: ([down, right]) => {
      const [height, width] = page.data.image.shape;
      page.shift = [turned(page.shift[0] + down, height), turned(page.shift[1] + right, width)];
      soon(page, "shift");
    },
    back: () => {
      page.shift = [0, 0];
      soon(page, "shift");
    },
    pixels: () => rolled(page.pixels, page.data.image.shape, page.shift),
    say: (text) => say(page, text),
  };
}

// The shorter way round.
function turned(shift, size) {
  const forth = wrapped(shift, size);
  return forth > size / 2 ? forth - size : forth;
}

function chooseMap(page, node, picture, entry) {
  const pictures = page.columns.column(node).maps.map((map) => map.picture);
  const chosen = picture ?? pictures.find((one) => entry >= 0 && one.place(entry)) ?? pictures[0];
  Object.assign(page, {
    node,
    picture: chosen,
    entry: entry >= 0 ? entry : brightest(chosen, page.network.value(node)),
  });
  soon(page, "map");
}

// There is most to see where a map is far from 0.
function brightest(picture, values) {
  let best = middle(picture);
  for (let row = 0; row < picture.height; row += 1) {
    for (let column = 0; column < picture.width; column += 1) {
      const entry = picture.at(row, column);
      if (entry >= 0 && Math.abs(values[entry]) > Math.abs(values[best])) best = entry;
    }
  }
  return best;
}

function pointAt(page, entry) {
  page.entry = entry;
  soon(page, "entry");
}

// What happens between two frames is drawn once.
function soon(page, change) {
  page.changed.add(change);
  if (page.waiting) return;
  page.waiting = true;
  requestAnimationFrame(() => {
    page.waiting = false;
    const changed = page.changed;
    page.changed = new Set();
    frame(page, changed);
  });
}

function frame(page, changed) {
  const values = ["pixels", "shift", "values"].some((change) => changed.has(change));
  if (values) recompute(page, changed);
  if (changed.has("map")) showMap(page);
  if (changed.has("map") || changed.has("entry")) showFields(page);
  if (values && !changed.has("map")) page.detail.redraw();
  const line = page.node < 0 ? "" : page.formula.show(page.node, page.entry);
  if (changed.has("map") || changed.has("entry")) say(page, [line, page.reads].filter(Boolean).join("; "));
}

function recompute(page, changed) {
  const { network, data, shift, pixels } = page;
  const shifted = shift[0] !== 0 || shift[1] !== 0;
  if (data.live && changed.has("pixels")) {
    page.verdicts.show([0, 0]);
    network.run(pixels);
  }
  if (data.live && shifted) page.verdicts.keep();
  if (data.live && changed.has("shift")) network.run(rolled(pixels, data.image.shape, shift));
  page.columns.redraw();
  page.verdicts.show(shift);
  page.input.redraw();
  page.input.shifted(shift);
  page.scores?.redraw();
  document.getElementById("answer").replaceChildren(...answerParts(page));
}

function showMap({ columns, detail, edges, formula, node, picture }) {
  columns.press(node, picture);
  detail.choose(node, picture);
  edges.chosen(node, picture, -1);
  if (node < 0) formula.clear();
}

function showFields(page) {
  const { network, columns, detail, edges, input, node, picture, entry } = page;
  const fields = node < 0 ? new Map() : (network.reads(node, entry) ?? new Map());
  const own = new Uint8Array(network.value(node).length);
  own[entry] = 1;
  fields.set(node, own);
  const mask = fields.get(-1) ?? null;
  const { shape } = page.data.image;
  page.reads = node < 0 || !mask ? "" : readsWords(mask, shape);
  columns.mark(fields);
  input.mark(mask && anyChannel(mask, shape[2]));
  detail.mark(entry, fields, page.reads);
  if (picture.channel === null) edges.chosen(node, picture, entry);
}

// Read out once the pointer or the keys rest: every step would be too much to listen to.
function say(page, text) {
  clearTimeout(page.saying);
  page.saying = setTimeout(() => (document.getElementById("spoken").textContent = text), 250);
}

function help() {
  const dialog = document.getElementById("help");
  document.getElementById("ask").addEventListener("click", () => dialog.showModal());
  // A form would close it too, but not in a notebook, whose frame allows none.
  document.getElementById("close").addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, select, textarea");
    if (event.key === "?" && !typing) dialog.showModal();
  });
}

start();
