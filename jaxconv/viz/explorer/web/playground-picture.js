// A picture of numbers in cells of equal size, with lines over it.

import { drawMap, element, format } from "./shared.js";

const READABLE = 36; // screen pixels of a cell that has room for its number
const RIM = 3; // by so many the lines may lie beyond the cells

/** A picture within `root`: `show` numbers, `fit` it to a size of cells, and draw `lines` in units of cells. */
export class Picture {
  constructor(root) {
    this.map = element("canvas", { class: "map", role: "img" });
    this.over = element("canvas", { class: "lines", "aria-hidden": "true" });
    root.replaceChildren(this.map, this.over);
  }

  show(values, height, width, label, options) {
    this.map.setAttribute("aria-label", label);
    this.numbers = options.colours ? null : values;
    return drawMap(this.map, values, height, width, options);
  }

  fit(cell) {
    this.cell = cell;
    const { width, height } = this.map;
    Object.assign(this.map.style, { width: `${width * cell}px`, height: `${height * cell}px` });
  }

  /** `draw(pen, numbers)` draws; `numbers()` writes those of the cells, if they have room. */
  lines(draw) {
    const ratio = window.devicePixelRatio;
    const [width, height] = [this.map.width, this.map.height].map((size) => size * this.cell + 2 * RIM);
    Object.assign(this.over.style, { width: `${width}px`, height: `${height}px`, inset: `${-RIM}px` });
    Object.assign(this.over, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const context = this.over.getContext("2d");
    context.setTransform(this.cell * ratio, 0, 0, this.cell * ratio, RIM * ratio, RIM * ratio);
    draw(new Pen(context, 1 / this.cell), () => this.cell >= READABLE && this.write(context));
  }

  /** Numbers in black, on rims of white to be read on any grey; not of colours, which are three. */
  write(context) {
    const { cell, numbers } = this;
    context.save();
    context.scale(1 / cell, 1 / cell);
    Object.assign(context, { font: "10px system-ui", textAlign: "center", textBaseline: "middle", lineWidth: 2.5 });
    Object.assign(context, { strokeStyle: "white", fillStyle: "black", lineJoin: "round" });
    numbers?.forEach((value, number) => {
      const [row, column] = [Math.floor(number / this.map.width), number % this.map.width];
      const text = [format(value, 3), (column + 0.5) * cell, (row + 0.5) * cell];
      context.strokeText(...text);
      context.fillText(...text);
    });
    context.restore();
  }

  /** Row and column of the cell under the pointer. */
  placeAt({ clientX, clientY }) {
    const box = this.map.getBoundingClientRect();
    const cell = (distance, size) => Math.min(Math.max(Math.floor(distance / this.cell), 0), size - 1);
    return [cell(clientY - box.top, this.map.height), cell(clientX - box.left, this.map.width)];
  }
}

/** Draws in the page's colours; `dot` is the width of one. */
class Pen {
  constructor(context, dot) {
    Object.assign(this, { context, dot });
    this.style = getComputedStyle(document.documentElement);
  }

  /** Let the rows and columns from a corner on fade into the paper. */
  fade(row, column, height, width) {
    this.context.globalAlpha = 0.6;
    this.context.fillStyle = this.style.getPropertyValue("--paper");
    this.context.fillRect(column, row, width, height);
    this.context.globalAlpha = 1;
  }

  /** A frame around cells; a line of paper beneath it shows it on any picture. */
  frame(row, column, height, width, colour, dots = 2) {
    for (const [name, wide] of [["--paper", dots + 2], [colour, dots]]) {
      this.context.strokeStyle = this.style.getPropertyValue(name);
      this.context.lineWidth = wide * this.dot;
      this.context.strokeRect(column, row, width, height);
    }
  }
}
