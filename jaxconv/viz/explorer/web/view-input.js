// The input: the image, large; to be shifted, drawn on, or exchanged for another.
import { decode } from "./arrays.js";
import { element } from "./shared.js";
import { fileChooser } from "./view-files.js";
import { canvasFor, outline, paint } from "./view-paint.js";
import { penOn } from "./view-pen.js";
import { STEPS, picturesOf, zoom } from "./view-pictures.js";

const STAGE = 240;
const THUMB = 40;

/**
 * The panel of the input. `on.show(number)` is called with an image of the page, `on.take(pixels)` with one that was
 * drawn or opened, `on.move([down, right])` and `on.back()` where it is to be shifted, `on.say(text)` with what is to be
 * read out; `on.pixels()` gives the image as it is to be drawn on.
 */
export function inputPanel(network, data, on) {
  const { shape } = data.image;
  const pictures = picturesOf(shape, [...Array(shape[2]).keys()], shape[2] === 3);
  const picture = pictures[0];
  const canvas = canvasFor(picture, zoom(picture, STAGE));
  const trouble = element("p", { class: "alarm", hidden: true });
  const panel = { network, data, on, shape, picture, seen: picture, canvas, trouble, drawing: false };
  const stage = listenOnStage(panel);
  const body = element("section", { class: "input", "aria-label": "input" });
  const choices = [imageChoice(panel)];
  if (pictures.length > 1) choices.unshift(channelChoice(panel, pictures));
  if (data.live) choices.push(modes(panel), shiftTools(panel), drawTools(panel), trouble);
  else
    choices.push(
      element(
        "p",
        { class: "note" },
        "This page can't compute: it shows what Python computed, and the image can be neither shifted nor drawn on.",
      ),
    );
  body.append(stage, ...choices);
  setMode(panel, false);
  return {
    element: body,
    redraw: () => redrawInput(panel),
    mark: (mask) => outline(canvas, picture, mask),
    shifted: (by) => shiftWords(panel, by),
  };
}

function redrawInput({ canvas, network, seen, data, trouble }) {
  const { low, high } = data.image;
  paint(canvas, network.input, seen, { signed: false, low, high });
  trouble.hidden = true; // it is of an earlier image
}

// Of an image that is neither grey nor red, green and blue, one channel at a time.
function channelChoice(panel, pictures) {
  const options = pictures.map((_, channel) => element("option", {}, `map ${channel + 1} of ${pictures.length}`));
  const select = element("select", { "aria-label": "map of the image that is shown" }, ...options);
  select.addEventListener("change", () => {
    panel.seen = pictures[select.selectedIndex];
    redrawInput(panel);
  });
  return element("label", { class: "row" }, "shown: ", select);
}

function imageChoice(panel) {
  const { data, on, picture } = panel;
  const labels = data.images.map((image, number) => {
    const canvas = canvasFor(picture, zoom(picture, THUMB));
    const { low, high } = data.image;
    paint(canvas, decode(image.pixels), picture, { signed: false, low, high });
    const radio = element("input", {
      type: "radio",
      name: "image",
      class: "unseen",
      checked: number === 0,
      "aria-label": titleOf(image, data),
    });
    radio.addEventListener("change", () => on.show(number));
    return element("label", { class: "thumb", title: titleOf(image, data) }, radio, canvas.frame);
  });
  const own = element("input", {
    type: "radio",
    name: "image",
    class: "unseen",
    disabled: true,
    "aria-label": "your image",
  });
  const ownLabel = element("label", { class: "thumb own", title: "your image" }, own, element("span", {}, "yours"));
  ownLabel.hidden = !data.live;
  own.addEventListener("change", () => on.take(panel.own));
  Object.assign(panel, { ownRadio: own });
  return element("fieldset", { class: "thumbs" }, element("legend", {}, "images"), ...labels, ownLabel);
}

/** An image's name, and its class if that is known. */
export function titleOf(image, data) {
  return image.label === null || image.label === undefined
    ? image.name
    : `${image.name}: ${data.classNames[image.label] ?? image.label}`;
}

function modes(panel) {
  const radio = (name, drawing) => {
    const input = element("input", { type: "radio", name: "mode", checked: !drawing });
    input.addEventListener("change", () => setMode(panel, drawing));
    return element("label", {}, input, ` ${name}`);
  };
  return element(
    "fieldset",
    { class: "row" },
    element("legend", {}, "the image is to be"),
    radio("shifted", false),
    radio("drawn on", true),
  );
}

function setMode(panel, drawing) {
  panel.drawing = drawing;
  const { shape, data } = panel;
  const use = drawing
    ? "the arrow keys move the pen, space leaves ink, with Shift it draws"
    : "the arrow keys shift it";
  const label = `input image, ${shape[0]} × ${shape[1]}${data.live ? `; ${use}` : ""}`;
  panel.canvas.frame.setAttribute("aria-label", label);
  panel.canvas.frame.classList.toggle("pen", drawing);
  if (panel.shiftBox) [panel.shiftBox.hidden, panel.drawBox.hidden] = [drawing, !drawing];
  outline(panel.canvas, panel.picture, null);
}

function shiftTools(panel) {
  const { on } = panel;
  const button = (name, sign, by) => {
    const made = element("button", { type: "button", class: name, "aria-label": `shift ${name}` }, sign);
    made.addEventListener("click", () => (by ? on.move(by) : on.back()));
    return made;
  };
  const pad = element(
    "div",
    { class: "pad" },
    button("up", "↑", [-1, 0]),
    button("left", "←", [0, -1]),
    button("back", "⌂", null),
    button("right", "→", [0, 1]),
    button("down", "↓", [1, 0]),
  );
  panel.words = element("output", { class: "shifted" });
  const text = element("p", { class: "faint" }, "What leaves at one side comes in at the other.");
  panel.shiftBox = element("div", { class: "tools" }, pad, element("div", {}, panel.words, text));
  shiftWords(panel, [0, 0]);
  return panel.shiftBox;
}

function shiftWords(panel, [down, right]) {
  if (panel.words) panel.words.textContent = `shifted by (${down}, ${right})`.replaceAll("-", "\u2212");
}

function drawTools(panel) {
  const { data, canvas, picture, on } = panel;
  const take = (pixels) => took(panel, pixels);
  const tell = (text) => {
    Object.assign(panel.trouble, { textContent: text, hidden: false });
    on.say(text);
  };
  const pen = penOn(canvas, picture, data.image, {
    drawing: () => panel.drawing,
    pixels: on.pixels,
    take,
    say: on.say,
  });
  panel.drawBox = element("div", { class: "drawing" }, pen, fileChooser(data.image, take, tell));
  return panel.drawBox;
}

function listenOnStage(panel) {
  const { frame } = panel.canvas;
  Object.assign(frame, { tabIndex: panel.data.live ? 0 : -1, className: "frame stage" });
  frame.setAttribute("role", panel.data.live ? "application" : "img");
  if (panel.data.live) frame.addEventListener("keydown", (event) => panel.drawing || shiftKey(panel, event));
  return frame;
}

function shiftKey({ on }, event) {
  const step = STEPS[event.key];
  const far = event.shiftKey ? 4 : 1;
  if (step) on.move([step[0] * far, step[1] * far]);
  else if (event.key === "Home") on.back();
  else return;
  event.preventDefault();
}

function took(panel, pixels) {
  panel.own = pixels;
  panel.ownRadio.disabled = false;
  panel.ownRadio.checked = true;
  panel.on.take(pixels);
}
