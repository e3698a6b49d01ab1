// The controls: whatever is entered goes into `settings` at once, and `changed` is told.

import { element } from "./shared.js";

const OWN = "own weights";
const PADDINGS = ["SAME", "VALID", "FULL", "CAUSAL", "pixels"];
const MODES = ["zeros", "circular", "reflect", "symmetric", "edge"];
export const COLOURS = ["automatic", "as the image", "signed", "least to largest"];

/** Settings from the page's data: {name, side, weights, divisor, axes, colours}; axes alike are one object. */
export function settingsOf(data) {
  const [down, across] = data.axes;
  const alike = JSON.stringify(down) === JSON.stringify(across);
  return { ...data.kernel, axes: alike ? [down, down] : [down, across], colours: COLOURS[0] };
}

/** Fill the form with controls of the settings. */
export function buildForm(form, settings, presets, changed) {
  form.addEventListener("submit", (event) => event.preventDefault());
  const kernel = element("fieldset");
  const sliding = element("div");
  form.replaceChildren(kernel, sliding, outputFields(settings, changed));
  buildKernel(kernel, settings, presets, changed);
  buildAxes(sliding, settings, changed);
}

function buildKernel(fields, settings, presets, changed) {
  const weights = element("div", { class: "weights", role: "group", "aria-label": "weights" });
  const name = choice([...Object.keys(presets), OWN], settings.name ?? OWN, (picked) => {
    settings.name = picked === OWN ? null : picked;
    if (settings.name) Object.assign(settings, presetOf(presets, settings));
    fill();
    changed();
  });
  const side = choice(["3 × 3", "5 × 5"], `${settings.side} × ${settings.side}`, (picked) => {
    const next = Number(picked[0]);
    settings.weights = resized(settings.weights, settings.side, next);
    settings.side = next;
    if (settings.name) Object.assign(settings, presetOf(presets, settings));
    fill();
    changed();
  });
  const edited = () => {
    settings.name = null;
    name.value = OWN;
    changed();
  };
  const divisor = numberInput(settings, "divisor", {}, (value) => value !== 0, edited);
  const fill = () => {
    weights.style.gridTemplateColumns = `repeat(${settings.side}, minmax(0, 1fr))`;
    const inputs = settings.weights.map((_, number) => {
      const place = `row ${Math.floor(number / settings.side) + 1}, column ${(number % settings.side) + 1}`;
      return numberInput(settings.weights, number, { "aria-label": `weight, ${place}` }, () => true, edited);
    });
    weights.replaceChildren(...inputs);
    divisor.value = brief(settings.divisor);
  };
  fill();
  const rows = [row("preset", name), row("size", side), weights, row("divide by", divisor)];
  fields.append(element("legend", {}, "Kernel"), ...rows);
}

function buildAxes(sliding, settings, changed) {
  const alike = element("input", { type: "checkbox", id: "alike" });
  alike.checked = settings.axes[0] === settings.axes[1];
  const draw = () => {
    const legends = alike.checked ? ["Sliding"] : ["Sliding down", "Sliding across"];
    const sets = legends.map((legend, number) => axisFields(legend, settings.axes[number], changed));
    sliding.replaceChildren(...sets, element("label", { class: "check" }, alike, " both axes alike"));
  };
  alike.addEventListener("change", () => {
    const [down] = settings.axes;
    settings.axes = [down, alike.checked ? down : { ...down }];
    draw();
    alike.focus();
    changed();
  });
  draw();
}

function axisFields(legend, axis, changed) {
  const amounts = Array.isArray(axis.padding) ? [...axis.padding] : [1, 1];
  const least = (bound) => (value) => Number.isInteger(value) && value >= bound;
  const repad = () => {
    axis.padding = [...amounts];
    changed();
  };
  const both = ["padding before", "padding after"].map((label, number) =>
    numberInput(amounts, number, { min: 0, "aria-label": label }, least(0), repad),
  );
  const padding = choice(PADDINGS, Array.isArray(axis.padding) ? "pixels" : axis.padding, (picked) => {
    axis.padding = picked === "pixels" ? [...amounts] : picked;
    pixels.hidden = picked !== "pixels";
    changed();
  });
  const pixels = row("before, after", element("div", {}, ...both));
  pixels.hidden = !Array.isArray(axis.padding);
  const mode = choice(MODES, axis.mode, (picked) => {
    axis.mode = picked;
    changed();
  });
  return element(
    "fieldset",
    {},
    element("legend", {}, legend),
    row("stride", numberInput(axis, "stride", { min: 1 }, least(1), changed)),
    row("padding", padding),
    pixels,
    row("boundary", mode),
    row("dilation", numberInput(axis, "dilation", { min: 1 }, least(1), changed)),
  );
}

function outputFields(settings, changed) {
  const colours = choice(COLOURS, settings.colours, (picked) => {
    settings.colours = picked;
    changed();
  });
  return element("fieldset", {}, element("legend", {}, "Output"), row("colours", colours));
}

function presetOf(presets, { name, side }) {
  const { weights, divisor } = presets[name][side];
  return { weights: [...weights], divisor };
}

/** The middle of larger weights, or smaller ones amid zeros. */
export function resized(weights, from, to) {
  const shift = (from - to) / 2;
  return Array.from({ length: to * to }, (_, number) => {
    const [row, column] = [Math.floor(number / to) + shift, (number % to) + shift];
    return Math.min(row, column) >= 0 && Math.max(row, column) < from ? weights[row * from + column] : 0;
  });
}

/** An input of `object[key]`; what `accepts` refuses changes nothing, and is gone when the input is left. */
function numberInput(object, key, attributes, accepts, changed) {
  const input = element("input", { type: "number", step: "min" in attributes ? 1 : "any", ...attributes });
  input.value = brief(object[key]);
  input.addEventListener("input", () => {
    const value = input.valueAsNumber;
    const good = Number.isFinite(value) && accepts(value);
    input.setAttribute("aria-invalid", String(!good));
    if (!good) return;
    object[key] = value;
    changed();
  });
  input.addEventListener("blur", () => {
    input.value = brief(object[key]);
    input.setAttribute("aria-invalid", "false");
  });
  return input;
}

function brief(value) {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

function choice(options, value, picked) {
  const select = element("select", {}, ...options.map((option) => element("option", {}, option)));
  select.value = value;
  select.addEventListener("change", () => picked(select.value));
  return select;
}

/** A control beside its label. */
function row(label, control) {
  return element(control.matches("div") ? "div" : "label", { class: "row" }, element("span", {}, label), control);
}
