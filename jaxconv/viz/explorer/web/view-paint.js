// Pictures on canvases, and outlines of some of their pixels over them.
import { drawMap, element, scaleOf } from "./shared.js";

const MARK = "#f0e442"; // Okabe and Ito's yellow: within a black line it is seen on every colour of every map
const THINNEST = 6; // screen pixels: what is one pixel high and many wide is still seen
const HALO = "#000000";

/** A picture's canvas with a clear one over it; `factor` screen pixels for each of its own. */
export function canvasFor(picture, factor) {
  const [width, height] = [picture.width, picture.height].map((pixels) => Math.max(pixels * factor, THINNEST));
  const size = `width: ${width}px; height: ${height}px`;
  const smooth = factor < 1 ? "; image-rendering: auto" : "";
  const map = element("canvas", { class: "map", style: size + smooth, width: picture.width, height: picture.height });
  const over = element("canvas", { class: "over", style: size, "aria-hidden": "true" });
  const frame = element("span", { class: "frame", style: size }, map, over);
  return { frame, map, over, width, height, across: width / picture.width, down: height / picture.height };
}

/** One scale for all pictures of an array, so that they compare. */
export function commonScale(values) {
  return scaleOf(values, values.length);
}

/** Draw the numbers of a picture. */
export function paint(canvas, values, picture, scale) {
  const { height, width } = picture;
  if (picture.colours) return void drawMap(canvas.map, values, height, width, { ...scale, colours: true, stride: 3 });
  if (picture.channel !== null) {
    const stride = values.length / (height * width);
    return void drawMap(canvas.map, values, height, width, { ...scale, stride, offset: picture.channel });
  }
  const gathered = new Float32Array(height * width);
  let held = 0;
  for (let number = 0; number < gathered.length; number += 1) {
    const entry = picture.at(Math.floor(number / width), number % width);
    if (entry >= 0) gathered[number] = values[entry];
    if (entry >= 0) held = number + 1;
  }
  drawMap(canvas.map, gathered, height, width, scale);
  const spare = gathered.length - held; // a strip's last row may be short
  canvas.map.getContext("2d").clearRect(width - spare, height - 1, spare, 1);
}

/** Outline the entries of a picture that `mask` holds; null clears. */
export function outline(canvas, picture, mask) {
  if (mask === null && !canvas.marked) return;
  const context = ready(canvas);
  canvas.marked = false;
  if (mask === null) return;
  const cells = masked(picture, mask);
  if (cells.count === 0) return;
  canvas.marked = true;
  const path = cells.count === cells.area ? box(cells, canvas) : border(picture, cells.held, canvas);
  for (const [colour, width] of [
    [HALO, 4],
    [MARK, 2],
  ]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width, lineCap: "square" });
    context.stroke(path);
  }
}

// The clear canvas has the screen's own pixels, whatever the picture's are.
function ready({ over, width, height }) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.ceil(width * ratio), Math.ceil(height * ratio)];
  if (over.width !== across || over.height !== down) Object.assign(over, { width: across, height: down });
  const context = over.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function masked({ height, width, at, colours }, mask) {
  const held = new Uint8Array(height * width);
  let [count, top, left, bottom, right] = [0, height, width, -1, -1];
  for (let row = 0, number = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, number += 1) {
      const entry = at(row, column);
      if (entry < 0 || !(mask[entry] || (colours && (mask[entry + 1] || mask[entry + 2])))) continue;
      held[number] = 1;
      count += 1;
      [top, left, bottom, right] = [Math.min(top, row), Math.min(left, column), row, Math.max(right, column)];
    }
  }
  return { held, count, top, left, bottom, right, area: (bottom - top + 1) * (right - left + 1) };
}

function box({ top, left, bottom, right }, { across, down }) {
  const path = new Path2D();
  // Drawn inside, since what lies beyond the canvas is cut off.
  const [width, height] = [(right - left + 1) * across, (bottom - top + 1) * down];
  path.rect(left * across + 1, top * down + 1, Math.max(width - 2, 1), Math.max(height - 2, 1));
  return path;
}

function border({ height, width }, held, { across, down }) {
  const path = new Path2D();
  const inside = (row, column) =>
    row >= 0 && column >= 0 && row < height && column < width && held[row * width + column];
  for (let row = 0; row <= height; row += 1) {
    for (let column = 0; column <= width; column += 1) {
      const here = Boolean(inside(row, column));
      const [x, y] = [column * across, row * down];
      if (here !== Boolean(inside(row - 1, column))) line(path, x, y, x + across, y);
      if (here !== Boolean(inside(row, column - 1))) line(path, x, y, x, y + down);
    }
  }
  return path;
}

function line(path, fromX, fromY, toX, toY) {
  path.moveTo(fromX, fromY);
  path.lineTo(toX, toY);
}

/** The entry of a picture that an event of the pointer is over, or -1. */
export function under(canvas, picture, event) {
  const rect = canvas.map.getBoundingClientRect();
  const column = Math.floor(((event.clientX - rect.left) / rect.width) * picture.width);
  const row = Math.floor(((event.clientY - rect.top) / rect.height) * picture.height);
  if (row < 0 || column < 0 || row >= picture.height || column >= picture.width) return -1;
  return picture.at(row, column);
}
