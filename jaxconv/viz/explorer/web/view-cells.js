// Grids of numbers whose cells stay and change: made anew at every step of the pointer, they would miss frames.
import { element, format } from "./shared.js";

/** A grid of `count` numbers in rows of `columns`; `show(values, kinds, titles)` puts others in. */
export function cellGrid(name, columns, count) {
  const cells = Array.from({ length: count }, () => element("span", { class: "cell" }, document.createTextNode("")));
  const style = `grid-template-columns: repeat(${columns}, 2.85rem)`;
  return {
    element: element("div", { class: "cells", role: "group", "aria-label": name, style }, ...cells),
    show: (values, kinds = []) => {
      const most =
        values.reduce((size, value) => (Number.isFinite(value) ? Math.max(size, Math.abs(value)) : size), 0) || 1;
      cells.forEach((cell, number) => fill(cell, values[number], most, kinds[number] ?? ""));
    },
  };
}

function fill(cell, value, most, kind) {
  const text = short(value);
  if (cell.firstChild.data !== text) cell.firstChild.data = text;
  const colour = tint(value, most);
  if (cell.dataset.colour !== colour) cell.style.backgroundColor = cell.dataset.colour = colour;
  if (cell.className !== `cell ${kind}`) cell.className = `cell ${kind}`;
}

// At most three decimals; a number that they would make 0 keeps them, to be told from 0.
function short(value) {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || Number.isInteger(value) || size >= 1000) return format(value);
  return `${value < 0 ? "\u2212" : ""}${size.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3)}`;
}

/** A background for a number: orange above 0, blue below, the stronger the larger it is. */
export function tint(value, most) {
  const share = Number.isFinite(value) ? Math.round((60 * Math.abs(value)) / most) : 0;
  return `rgb(${value < 0 ? "0 114 178" : "213 94 0"} / ${share}%)`;
}
