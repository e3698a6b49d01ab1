// The page of image kernels: it convolves whenever a setting changes, and shows the sum of the output pixel pointed at.

import { decode } from "./arrays.js";
import { axisOver, cellsOf, convolve, extendImage } from "./kernel.js";
import { buildForm, settingsOf } from "./playground-form.js";
import { Picture } from "./playground-picture.js";
import { productTable, sumWords } from "./playground-sum.js";
import { element, format, pageData, prefersStillness } from "./shared.js";

const CHANNELS = ["red", "green", "blue"];
const LARGEST = 42; // screen pixels of a cell
const HIGHEST = 560; // and of a picture
const SECONDS = [0.25, 25]; // between two output pixels of a small picture at play; for all of a large one

class Playground {
  constructor(data) {
    const [height, width, channels] = data.image.shape;
    Object.assign(this, { data, height, width, channels, settings: settingsOf(data) });
    this.values = decode(data.image.pixels);
    this.input = new Picture(byId("input"));
    this.output = new Picture(byId("output"));
    this.place = [Math.floor(height / 3), Math.floor(width / 3)];
    this.channel = 0;
    this.played = null; // the output pixel that play has come to
    buildForm(byId("form"), this.settings, data.presets, () => this.update());
    this.listen();
    this.update();
  }

  /** Convolve anew. */
  update() {
    const { side, weights, divisor, axes } = this.settings;
    const sizes = [this.height, this.width];
    try {
      this.axes = axes.map((axis, number) => axisOver(sizes[number], side, axis, this.data.most));
    } catch (error) {
      this.stop();
      this.report(error.message);
      return;
    }
    this.report("");
    this.extended = extendImage(this.values, this.channels, this.axes);
    this.sums = convolve(this.extended, this.channels, weights, divisor, this.axes);
    this.draw();
    this.point(this.place);
  }

  report(trouble) {
    byId("trouble").textContent = trouble;
    byId("trouble").hidden = !trouble;
    byId("shown").hidden = Boolean(trouble);
  }

  draw() {
    const [down, across] = this.axes;
    const [low, high] = this.data.image.range;
    const colours = this.channels === 3;
    const layout = { stride: this.channels, colours };
    const inputWords = `${this.height} × ${this.width}${paddingWords(this.axes)}`;
    this.input.show(this.extended, down.padded, across.padded, `input, ${inputWords}`, { ...layout, low, high });
    const scale = this.scale();
    const size = `${down.output} × ${across.output}`;
    const shown = this.output.show(this.sums, down.output, across.output, `output, ${size}`, { ...layout, ...scale });
    byId("input-words").textContent = inputWords;
    byId("output-words").textContent = `${size}; ${scaleWords(shown, colours)}`;
    this.fit();
  }

  /** As the image where the weights keep brightness; around 0 where they add up to 0. */
  scale() {
    const [low, high] = this.data.image.range;
    const kind = this.settings.colours;
    const change = Math.abs(this.settings.weights.reduce((sum, weight) => sum + weight, 0)) < 1e-6;
    if (kind === "least to largest") return { signed: false };
    if (kind === "as the image" || (kind === "automatic" && !change)) return { low, high };
    if (this.channels === 1) return { signed: true };
    const bound = this.sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), 0) || 1;
    return { low: -bound, high: bound };
  }

  /** Cells of one size in both pictures, as large as there is room. */
  fit() {
    if (!this.axes || byId("shown").hidden) return;
    const [down, across] = this.axes;
    const room = byId("pictures").clientWidth / 2 - 8;
    const free = Math.min(room / across.padded, HIGHEST / down.padded);
    const cell = free > 1 ? Math.min(Math.floor(free), LARGEST) : free;
    for (const picture of [this.input, this.output]) picture.fit(cell);
    this.mark();
  }

  /** Choose the output pixel whose sum is shown. */
  point(place) {
    this.place = place.map((position, number) => Math.min(Math.max(position, 0), this.axes[number].output - 1));
    this.mark();
    const [row, column] = this.place;
    const { side, divisor } = this.settings;
    const terms = this.termsOf(this.channel);
    const colour = this.channels === 3 ? `${CHANNELS[this.channel]} of ` : "";
    const where = `Output, ${colour}row ${row + 1}, column ${column + 1}`;
    byId("sum-title").textContent = `${where}: ${format(this.sumAt(this.channel))}`;
    byId("sum").textContent = `${sumWords(terms, divisor)}.`;
    byId("products").replaceChildren(productTable(terms, side));
  }

  termsOf(channel) {
    const [, across] = this.axes;
    return cellsOf(this.place, this.axes).map(({ row, column, inside }, tap) => ({
      value: this.extended[(row * across.padded + column) * this.channels + channel],
      weight: this.settings.weights[tap],
      inside,
    }));
  }

  sumAt(channel) {
    const [row, column] = this.place;
    return this.sums[(row * this.axes[1].output + column) * this.channels + channel];
  }

  mark() {
    const [down, across] = this.axes;
    const [row, column] = this.place;
    const cells = cellsOf(this.place, this.axes);
    const [first, last] = [cells[0], cells[cells.length - 1]];
    this.input.lines((pen, numbers) => {
      pen.fade(0, 0, down.lo, across.padded);
      pen.fade(down.lo + down.size, 0, down.hi, across.padded);
      pen.fade(down.lo, 0, down.size, across.lo);
      pen.fade(down.lo, across.lo + across.size, down.size, across.hi);
      numbers();
      const padded = down.padded > down.size || across.padded > across.size;
      if (padded) pen.frame(down.lo, across.lo, down.size, across.size, "--blue", 1);
      pen.frame(first.row, first.column, last.row - first.row + 1, last.column - first.column + 1, "--orange");
      const spread = down.dilation > 1 || across.dilation > 1;
      if (spread) cells.forEach((cell) => pen.frame(cell.row, cell.column, 1, 1, "--orange", 1));
    });
    this.output.lines((pen, numbers) => {
      numbers();
      if (this.played !== null) {
        pen.fade(row, column + 1, 1, across.output - column - 1);
        pen.fade(row + 1, 0, down.output - row - 1, across.output);
      }
      pen.frame(row, column, 1, 1, "--green");
    });
  }

  listen() {
    const output = byId("output");
    const point = (event) => this.choose(this.output.placeAt(event));
    output.addEventListener("pointermove", (event) => this.played === null && point(event));
    output.addEventListener("pointerdown", point);
    output.addEventListener("keydown", (event) => this.key(event));
    byId("play").addEventListener("click", () => (this.played === null ? this.play() : this.stop()));
    if (prefersStillness()) byId("play").textContent = "Next pixel";
    if (this.channels === 3) byId("channels").append(this.channelPicker());
    new ResizeObserver(() => this.fit()).observe(byId("pictures"));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.fit());
  }

  channelPicker() {
    const picker = element("select", {}, ...CHANNELS.map((name) => element("option", {}, name)));
    picker.addEventListener("change", () => {
      this.channel = CHANNELS.indexOf(picker.value);
      this.point(this.place);
    });
    return element("label", {}, "sum of ", picker, " (each channel is convolved by itself)");
  }

  /** The reader chose a pixel: play stops. */
  choose(place) {
    this.stop();
    this.point(place);
  }

  key(event) {
    const [row, column] = this.place;
    const moves = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, Infinity],
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.choose(moves[event.key]);
  }

  /** Walk over all output pixels, row after row; where movement is unwanted, one pixel further. */
  play() {
    const [down, across] = this.axes;
    const count = down.output * across.output;
    const at = (number) => this.point([Math.floor(number / across.output), number % across.output]);
    if (prefersStillness()) {
      at((this.place[0] * across.output + this.place[1] + 1) % count);
      return;
    }
    byId("play").textContent = "Stop";
    byId("told").setAttribute("aria-live", "off"); // nobody can listen that fast
    const pace = Math.min(SECONDS[0], SECONDS[1] / count) * 1000;
    const begin = performance.now();
    const step = (now) => {
      if (this.played === null) return;
      this.played = Math.floor((now - begin) / pace);
      if (this.played >= count) return void this.stop();
      at(Math.max(this.played, 0));
      this.frame = requestAnimationFrame(step);
    };
    this.played = 0;
    this.frame = requestAnimationFrame(step);
  }

  stop() {
    if (this.played === null) return;
    cancelAnimationFrame(this.frame);
    this.played = null;
    byId("play").textContent = "Play";
    byId("told").setAttribute("aria-live", "polite");
    this.mark();
  }
}

function paddingWords(axes) {
  const [down, across] = axes.map(({ lo, hi }) => (lo === hi ? `${lo}` : `${lo} + ${hi}`));
  if (down === across) return down === "0" ? "" : `, padding ${down}`;
  return `, padding ${down} down, ${across} across`;
}

function scaleWords({ signed, low, high }, colours) {
  const [least, most] = [format(low), format(high)];
  if (signed) return `from ${least} (blue) over 0 (white) to ${most} (red)`;
  return colours ? `each colour from ${least} to ${most}` : `from ${least} (black) to ${most} (white)`;
}

function byId(id) {
  return document.getElementById(id);
}

new Playground(pageData());
