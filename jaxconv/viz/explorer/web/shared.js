// What both pages need: elements made of text, numbers in few characters, and maps of numbers drawn as pictures.

/** A new element. Its children are elements or text, never markup; what is null or undefined, or false, is left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A number as short text, with a real minus sign: 0.5, −12, 1.2e−5. */
export function format(number, digits = 4) {
  if (Number.isNaN(number)) return "NaN";
  const sign = number < 0 ? "\u2212" : "";
  const size = Math.abs(number);
  if (size === Infinity) return `${sign}∞`;
  if (Number.isInteger(size) && size < 1e6) return sign + size;
  const rounded = Number(size.toPrecision(digits));
  if (rounded >= 1e-3 && rounded < 1e6) return sign + rounded;
  return sign + rounded.toExponential().replace("e-", "e\u2212").replace("e+", "e");
}

/** The data that the page was written with. */
export function pageData() {
  return JSON.parse(document.getElementById("data").textContent);
}

/** Whether the reader asked for less movement. */
export function prefersStillness() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// ColorBrewer's RdBu, from blue to red, as matplotlib's RdBu_r: white is 0, on a dark page too.
const STOPS = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f";
const DIVERGING = STOPS.split(" ").map(channelsOf);
const NO_NUMBER = packed(0, 158, 115); // green, which no scale has
const LEVELS = 256;
const GREY = Uint32Array.from({ length: LEVELS }, (_, level) => packed(level, level, level));
const SIGNED = Uint32Array.from({ length: LEVELS }, (_, level) => blended(level / (LEVELS - 1)));

/**
 * The scale of a map of numbers: `{signed, low, high}`. Signed numbers, which is all where any is negative, are blue,
 * white at 0 and red; others run from black, their least, to white. Entries stand at `offset + stride * number`.
 */
export function scaleOf(values, count, { stride = 1, offset = 0, signed, low, high, colours = false } = {}) {
  let [least, most] = [Infinity, -Infinity];
  if (low === undefined || high === undefined) {
    for (let number = 0; number < count; number += 1) {
      for (let channel = 0; channel < (colours ? 3 : 1); channel += 1) {
        const value = values[offset + stride * number + channel];
        if (Number.isFinite(value)) [least, most] = [Math.min(least, value), Math.max(most, value)];
      }
    }
    if (least > most) [least, most] = [0, 0];
  }
  [least, most] = [low ?? least, high ?? most];
  if (!colours && (signed ?? least < 0)) {
    const bound = Math.max(-least, most) || 1;
    return { signed: true, low: -bound, high: bound };
  }
  return { signed: false, low: least, high: most > least ? most : least + 1 };
}

/**
 * Draw numbers on a canvas, a pixel each, and return their scale. Options are those of `scaleOf`; with `colours` three
 * entries at a time are red, green and blue. NaN is green, and what is beyond the scale has the colour of its end.
 */
export function drawMap(canvas, values, height, width, options = {}) {
  const scale = scaleOf(values, height * width, options);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const { stride = 1, offset = 0, colours = false } = options;
  const levels = (LEVELS - 1) / (scale.high - scale.low);
  const level = (value) => Math.min(Math.max(Math.round((value - scale.low) * levels), 0), LEVELS - 1);
  const pixels = new Uint32Array(picture.data.buffer);
  const table = scale.signed ? SIGNED : GREY;
  for (let number = 0, entry = offset; number < pixels.length; number += 1, entry += stride) {
    const value = colours ? values[entry] + values[entry + 1] + values[entry + 2] : values[entry];
    if (Number.isNaN(value)) pixels[number] = NO_NUMBER;
    else if (!colours) pixels[number] = table[level(value)];
    else {
      pixels[number] = GREY[0];
      for (let c = 0; c < 3; c += 1) picture.data[4 * number + c] = level(values[entry + c]);
    }
  }
  context.putImageData(picture, 0, 0);
  return scale;
}

function packed(red, green, blue) {
  return new Uint32Array(Uint8ClampedArray.of(red, green, blue, 255).buffer)[0];
}

function channelsOf(colour) {
  return [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

function blended(part) {
  const place = part * (DIVERGING.length - 1);
  const first = Math.min(Math.floor(place), DIVERGING.length - 2);
  const [from, to] = [DIVERGING[first], DIVERGING[first + 1]];
  return packed(...from.map((start, channel) => start + (to[channel] - start) * (place - first)));
}
