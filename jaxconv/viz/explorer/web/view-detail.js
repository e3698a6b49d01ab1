// One map enlarged, beside the maps that it is computed from.
import { element, format } from "./shared.js";
import { sourcesOf } from "./view-edges.js";
import { canvasFor, outline, paint, under } from "./view-paint.js";
import { STEPS, indices, neighbour, placeWords, zoom } from "./view-pictures.js";

const LARGE = 300;
const BESIDE = 112;

/** The panel of one map; `point(entry)` is called with the entry that the pointer or the arrow keys come to. */
export function detailPanel(network, columns, point) {
  const [title, inputs, large, value] = [
    element("h2", { id: "chosen" }),
    element("div", { class: "beside" }),
    element("div", {}),
    element("p", { class: "value" }),
  ];
  const left = element("div", { class: "sources" }, element("h3", {}, "computed from"), inputs);
  const panel = { network, columns, point, title, inputs, large, value, left, entry: -1, reads: "", main: null, sources: [] };
  return {
    element: element("div", { class: "enlarged" }, left, element("div", { class: "chosen" }, title, large, value)),
    choose: (node, picture) => choose(panel, node, picture),
    redraw: () => redrawDetail(panel),
    mark: (entry, fields, reads) => markDetail(panel, entry, fields, reads),
    focus: () => panel.main?.canvas.frame.focus(),
  };
}

function choose(panel, node, picture) {
  const { network, columns } = panel;
  const column = columns.column(node);
  panel.main = { node, picture, column, canvas: canvasFor(picture, Math.max(zoom(picture, LARGE), 0.01)) };
  const shape = network.shapeOf(node);
  const which = picture.channel === null ? "" : `, map ${picture.channel + 1} of ${shape[shape.length - 1]}`;
  panel.title.textContent = `${column.name}${which}`;
  panel.sources = sourcesOf(network, columns, node, picture).map(([from, source]) => {
    return {
      node: from,
      picture: source,
      column: columns.column(from),
      canvas: canvasFor(source, zoom(source, BESIDE)),
    };
  });
  panel.inputs.replaceChildren(...panel.sources.map(sourceFigure));
  panel.entry = -1;
  panel.left.hidden = panel.sources.length === 0;
  panel.large.replaceChildren(listening(panel));
  redrawDetail(panel);
}

function sourceFigure({ picture, column, canvas }) {
  const which = picture.channel === null ? "" : `, map ${picture.channel + 1}`;
  return element("figure", {}, canvas.frame, element("figcaption", {}, `${column.name}${which}`));
}

function listening(panel) {
  const { canvas, picture } = panel.main;
  const frame = canvas.frame;
  frame.tabIndex = 0;
  frame.setAttribute("role", "application");
  frame.setAttribute("aria-roledescription", "map of numbers; the arrow keys move over it");
  frame.addEventListener("pointermove", (event) => {
    const entry = under(canvas, picture, event);
    if (entry >= 0) panel.point(entry);
  });
  frame.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const far = event.shiftKey ? 4 : 1;
    // At once, since the next key may come before the next frame.
    panel.entry = neighbour(picture, panel.entry, [step[0] * far, step[1] * far]);
    panel.point(panel.entry);
  });
  return frame;
}

function redrawDetail(panel) {
  if (!panel.main) return;
  for (const { node, picture, canvas } of [panel.main, ...panel.sources]) {
    paint(canvas, panel.network.value(node), picture, panel.columns.scale(node));
  }
  if (panel.entry >= 0) readOut(panel);
}

function readOut(panel) {
  const { node, column, canvas } = panel.main;
  const shape = panel.network.shapeOf(node);
  const number = format(panel.network.value(node)[panel.entry]);
  const { low, high } = panel.columns.scale(node);
  panel.value.replaceChildren(
    element("strong", {}, `[${indices(shape, panel.entry).join(", ")}] = ${number}`),
    element("span", { class: "faint" }, `colours from ${format(low, 3)} to ${format(high, 3)}`),
    element("span", { class: "reads" }, panel.reads),
  );
  canvas.frame.setAttribute(
    "aria-label",
    `${column.name}, ${column.kind}, ${placeWords(shape, panel.entry)} = ${number}`,
  );
}

function markDetail(panel, entry, fields, reads) {
  Object.assign(panel, { entry, reads });
  const { node, picture, canvas } = panel.main;
  const own = new Uint8Array(panel.network.value(node).length);
  if (entry >= 0) own[entry] = 1;
  outline(canvas, picture, own);
  for (const source of panel.sources) outline(source.canvas, source.picture, fields?.get(source.node) ?? null);
  if (entry >= 0) readOut(panel);
}
