// A pen for the image: for the pointer, and for keys.
import { element } from "./shared.js";
import { stroke } from "./sketch.js";
import { outline } from "./view-paint.js";
import { STEPS, neighbour, placeWords } from "./view-pictures.js";

const INKS = {
  white: [1, 1, 1],
  black: [0, 0, 0],
  red: [1, 0, 0],
  green: [0, 0.6, 0],
  blue: [0, 0, 1],
  yellow: [1, 1, 0],
};

/**
 * Let the image on `canvas` be drawn on while `on.drawing()`; return the pen's tools. `on.pixels()` gives the image as it
 * is, `on.take(pixels)` is called with it inked, `on.say(text)` with where the keys have moved the pen.
 */
export function penOn(canvas, picture, image, on) {
  const { shape, low } = image;
  const width = element("input", {
    type: "range",
    min: "0.5",
    max: "5",
    step: "0.5",
    value: shape[0] > 40 ? "2.5" : "1",
  });
  const inks = Object.keys(INKS).slice(0, shape[2] === 3 ? undefined : 2);
  const ink = element("select", { "aria-label": "ink" }, ...inks.map((name) => element("option", {}, name)));
  const clear = element("button", { type: "button" }, "Clear");
  clear.addEventListener("click", () => on.take(on.pixels().fill(low)));
  const pen = { canvas, picture, image, on, width, ink, from: null, entry: picture.at(shape[0] >> 1, shape[1] >> 1) };
  canvas.frame.addEventListener("keydown", (event) => on.drawing() && penKey(pen, event));
  canvas.frame.addEventListener("pointerdown", (event) => on.drawing() && putDown(pen, event));
  canvas.frame.addEventListener("pointermove", (event) => pen.from && drawOn(pen, event));
  for (const end of ["pointerup", "pointercancel"]) canvas.frame.addEventListener(end, () => (pen.from = null));
  return element("div", { class: "row" }, ink, element("label", {}, "width ", width), clear);
}

function putDown(pen, event) {
  pen.canvas.frame.setPointerCapture(event.pointerId);
  pen.from = spot(pen, event);
  inked(pen, [pen.from, pen.from]);
}

// Between two frames the pointer went through places of its own: without them, quick strokes have corners.
function drawOn(pen, event) {
  const between = event.getCoalescedEvents?.() ?? [];
  const places = [pen.from, ...between.map((one) => spot(pen, one)), spot(pen, event)];
  pen.from = places[places.length - 1];
  inked(pen, places);
}

function inked({ image, on, ink, width }, places) {
  const { shape, low, high } = image;
  const pixels = on.pixels();
  const colour = INKS[ink.value].map((share) => low + (high - low) * share);
  for (let step = 1; step < places.length; step += 1) {
    stroke(pixels, shape, places[step - 1], places[step], Number(width.value), colour);
  }
  on.take(pixels);
}

function spot({ canvas, picture }, event) {
  const rect = canvas.map.getBoundingClientRect();
  const row = ((event.clientY - rect.top) / rect.height) * picture.height;
  return [row, ((event.clientX - rect.left) / rect.width) * picture.width];
}

function penKey(pen, event) {
  const step = STEPS[event.key];
  if (!step && event.key !== " ") return;
  event.preventDefault();
  const before = pen.entry;
  if (step) pen.entry = neighbour(pen.picture, pen.entry, step);
  const centre = (entry) => pen.picture.place(entry).map((number) => number + 0.5);
  if (!step || event.shiftKey) inked(pen, [centre(before), centre(pen.entry)]);
  const cursor = new Uint8Array(pen.picture.height * pen.picture.width * pen.image.shape[2]);
  cursor[pen.entry] = 1;
  outline(pen.canvas, pen.picture, cursor);
  pen.on.say(placeWords(pen.image.shape, pen.entry));
}
