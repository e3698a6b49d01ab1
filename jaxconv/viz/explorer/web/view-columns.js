// The network as columns of pictures, one column a layer, from the image on the left to the scores on the right.
import { element, format } from "./shared.js";
import { canvasFor, commonScale, outline, paint, under } from "./view-paint.js";
import { STEPS, indices, picturesOf, zoom } from "./view-pictures.js";

const TALL = 600; // screen pixels for a column of maps, or a vector
const SMALL = { least: 30, most: 56, unit: 12 }; // along a map's longer side, and for a unit of a vector

/**
 * Columns for all nodes. `on.choose(node, picture, entry)` is called where one is clicked, entry -1 where by keyboard;
 * `on.hover(node, picture)` where the pointer is over one, and with -1 where over none; `on.read(text)` with what is
 * there.
 */
export function columnsOf(network, data, on) {
  const all = [imageColumn(data), ...network.nodes.map((node, number) => nodeColumn(node, number))];
  const strip = element("div", {
    class: "columns",
    role: "group",
    "aria-label": "layers, from the image to the scores",
  });
  for (const column of all) {
    strip.append(column.element);
    for (const shown of column.maps) listen(shown, column, network, on);
  }
  roam(strip, all);
  drawWhenSeen(all, network, data);
  return {
    element: strip,
    all,
    column: (node) => all[node + 1],
    redraw: () => all.forEach((column) => renew(column, network, data)),
    scale: (node) => scaleFor(all[node + 1], network, data),
    mark: (fields) => all.forEach((column) => mark(column, fields)),
    press: (node, picture) => press(all, node, picture),
  };
}

function imageColumn(data) {
  const shape = data.image.shape;
  const colours = shape.length === 3 && shape[2] === 3;
  const shown = [...Array(shape[shape.length - 1]).keys()];
  return column({ node: -1, name: "input", kind: "Image", shape, parameters: 0, shown, colours });
}

function nodeColumn(node, number) {
  return column({ ...node, node: number, colours: false });
}

function column(layer) {
  const pictures = picturesOf(layer.shape, layer.shown, layer.colours);
  const maps = pictures.map((picture) => smallMap(layer, picture, pictures.length));
  const verdict = element("div", { class: "verdict" });
  const size = layer.shape.join(" × ") || "1";
  const all = layer.shape[layer.shape.length - 1] ?? 1;
  const header = element(
    "header",
    {},
    element("strong", {}, layer.kind),
    element("span", { class: "name" }, layer.name),
    element("span", {}, size),
    element(
      "span",
      { class: "faint" },
      layer.parameters ? `${layer.parameters.toLocaleString("en")} parameters` : "\u00a0",
    ),
    layer.shown.length < all ? element("span", { class: "part" }, `${layer.shown.length} of ${all} shown`) : null,
  );
  const body = element("div", { class: "maps" }, ...maps.map((map) => map.button));
  const label = `${layer.name}, ${layer.kind}, ${size}`;
  return {
    ...layer,
    maps,
    verdict,
    seen: true,
    element: element("section", { class: "column", "aria-label": label }, header, verdict, body),
  };
}

function smallMap(layer, picture, count) {
  const vector = picture.channel === null && !picture.colours;
  const side = Math.min(Math.max(TALL / count - 7, SMALL.least), SMALL.most);
  const canvas = canvasFor(
    picture,
    vector ? Math.min(zoom(picture, TALL / 2), SMALL.unit) : side / Math.max(picture.height, picture.width),
  );
  const last = layer.shape[layer.shape.length - 1];
  const which = picture.channel === null ? "" : `, map ${picture.channel + 1} of ${last}`;
  const label = `${layer.name}${which}, ${layer.kind}`;
  const sign = element("span", { class: "sign", "aria-hidden": "true" });
  const button = element(
    "button",
    { class: "small", type: "button", tabindex: "-1", "aria-label": label, "aria-pressed": "false" },
    canvas.frame,
    sign,
  );
  return { picture, canvas, button, label, sign };
}

function listen(map, column, network, on) {
  const { node, name, shape } = column;
  map.button.addEventListener("click", (event) =>
    on.choose(node, map.picture, event.detail ? under(map.canvas, map.picture, event) : -1),
  );
  map.button.addEventListener("pointerenter", () => on.hover(node, map.picture));
  map.button.addEventListener("pointerleave", () => on.hover(-1, null));
  map.button.addEventListener("focus", () => on.hover(node, map.picture));
  map.button.addEventListener("blur", () => on.hover(-1, null));
  map.button.addEventListener("pointermove", (event) => {
    const entry = under(map.canvas, map.picture, event);
    if (entry < 0) return;
    const value = network.value(node)[entry];
    on.read(`${name}[${indices(shape, entry).join(", ")}] = ${format(value)}`);
  });
}

// One stop for the Tab key; the arrows go on from there.
function roam(strip, all) {
  all[0].maps[0].button.tabIndex = 0;
  strip.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const [across, down] = placeOf(all, event.target);
    if (!step || across < 0) return;
    event.preventDefault();
    const column = all[Math.min(Math.max(across + step[1], 0), all.length - 1)];
    // Into a column with fewer maps, the last of them.
    const map = column.maps[Math.min(Math.max(down + step[0], 0), column.maps.length - 1)];
    stop(all, map);
    map.button.focus();
  });
  strip.addEventListener("focusin", (event) => {
    const [across, down] = placeOf(all, event.target);
    if (across >= 0) stop(all, all[across].maps[down]);
  });
}

function placeOf(all, target) {
  const across = all.findIndex((column) => column.maps.some((map) => map.button === target));
  return [across, across < 0 ? -1 : all[across].maps.findIndex((map) => map.button === target)];
}

function stop(all, chosen) {
  for (const column of all) for (const map of column.maps) map.button.tabIndex = map === chosen ? 0 : -1;
}

function renew(column, network, data) {
  column.scale = null;
  column.stale = true;
  if (column.seen) redraw(column, network, data);
}

function redraw(column, network, data) {
  column.stale = false;
  const scale = scaleFor(column, network, data);
  for (const map of column.maps) paint(map.canvas, network.value(column.node), map.picture, scale);
}

function scaleFor(column, network, data) {
  const { low, high } = data.image;
  return (column.scale ??= column.node < 0 ? { signed: false, low, high } : commonScale(network.value(column.node)));
}

// What is out of sight is drawn when it comes into sight.
function drawWhenSeen(all, network, data) {
  const columns = new Map(all.map((column) => [column.element, column]));
  const watch = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const column = columns.get(target);
        column.seen = isIntersecting;
        if (isIntersecting && column.stale) redraw(column, network, data);
      }
    },
    { rootMargin: "100px" },
  );
  for (const target of columns.keys()) watch.observe(target);
}

function mark(column, fields) {
  const mask = fields?.get(column.node) ?? null;
  for (const map of column.maps) outline(map.canvas, map.picture, mask);
}

function press(all, node, picture) {
  for (const column of all) {
    for (const map of column.maps) {
      map.button.setAttribute("aria-pressed", String(column.node === node && map.picture === picture));
    }
  }
}
