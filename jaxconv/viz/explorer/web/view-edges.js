// Lines from the maps that a map is computed from.
import { middle } from "./view-pictures.js";

const LINES = 300; // lines between two layers that are still told apart: beyond, only those of one map are drawn
const SVG = "http://www.w3.org/2000/svg";

/** Which pictures of earlier nodes `picture` of `node` is computed from: `[[node, picture], ...]`. */
export function sourcesOf(network, columns, node, picture, entry = -1) {
  if (node < 0) return [];
  const inputs = network.nodes[node].inputs;
  const everything = picture.channel === null && entry < 0;
  const fields = everything ? null : network.reads(node, entry < 0 ? middle(picture) : entry);
  return inputs.flatMap((input) => {
    const mask = fields?.get(input);
    const pictures = columns.column(input).maps.map((map) => map.picture);
    return pictures.filter((source) => everything || touches(source, mask)).map((source) => [input, source]);
  });
}

function touches({ height, width, at, colours }, mask) {
  if (!mask) return false;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const entry = at(row, column);
      if (entry >= 0 && (mask[entry] || (colours && (mask[entry + 1] || mask[entry + 2])))) return true;
    }
  }
  return false;
}

/** Lines over the columns: faintly all, once they are found, and those of the map that is chosen or pointed at. */
export function edgesOf(network, columns) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "edges");
  drawing.setAttribute("aria-hidden", "true");
  const paths = ["all", "chosen", "hovered"].map((name) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    drawing.append(path);
    return path;
  });
  const state = { found: [], lines: [null, [], []], network, columns, drawing, paths };
  whenIdle(() => findAll(state, 0));
  return {
    element: drawing,
    chosen: (node, picture, entry) => put(state, 1, node, picture, entry),
    hovered: (node, picture) => put(state, 2, node, picture, -1),
    layout: () => [0, 1, 2].forEach((which) => draw(state, which)),
  };
}

function whenIdle(action) {
  if (window.requestIdleCallback) window.requestIdleCallback(action);
  else setTimeout(action, 50);
}

// A layer at a time, since a page of many layers should answer meanwhile.
function findAll(state, node) {
  const { network, columns } = state;
  if (node === network.nodes.length) return draw(state, 0);
  const maps = columns.column(node).maps;
  const sources = network.nodes[node].inputs.reduce((sum, input) => sum + columns.column(input).maps.length, 0);
  const single = maps.length * sources > LINES && !oneEach(state, node, maps[0].picture);
  if (!single) {
    for (const { picture } of maps) {
      for (const source of sourcesOf(network, columns, node, picture)) state.found.push([source, [node, picture]]);
    }
  }
  return whenIdle(() => findAll(state, node + 1));
}

function oneEach({ network, columns }, node, picture) {
  return sourcesOf(network, columns, node, picture).length <= network.nodes[node].inputs.length;
}

function put(state, which, node, picture, entry) {
  state.lines[which] =
    picture === null
      ? []
      : sourcesOf(state.network, state.columns, node, picture, entry).map((source) => [source, [node, picture]]);
  draw(state, which);
}

function draw(state, which) {
  const lines = which === 0 ? state.found : state.lines[which];
  const corner = state.drawing.getBoundingClientRect();
  const places = new Map();
  const rect = ([node, picture]) => {
    if (!places.has(picture)) places.set(picture, frameOf(state.columns, node, picture).getBoundingClientRect());
    return places.get(picture);
  };
  const curves = lines.map(([from, to]) => {
    const [a, b] = [rect(from), rect(to)];
    const [x, y] = [a.right - corner.left, (a.top + a.bottom) / 2 - corner.top];
    const [u, v] = [b.left - corner.left, (b.top + b.bottom) / 2 - corner.top];
    const bend = (x + u) / 2;
    return `M${x} ${y}C${bend} ${y} ${bend} ${v} ${u} ${v}`;
  });
  state.paths[which].setAttribute("d", curves.join(""));
}

function frameOf(columns, node, picture) {
  return columns.column(node).maps.find((map) => map.picture === picture).canvas.frame;
}
