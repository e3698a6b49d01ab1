// The arithmetic of one output pixel, as a table of products and their sum.

import { element, format } from "./shared.js";

/** The products as a table that lies like the kernel; cells of padding are marked. */
export function productTable(terms, side) {
  const cells = terms.map(({ value, weight, inside }) =>
    element(
      "td",
      { class: inside ? null : "padding" },
      `${format(value)} × ${format(weight)}`,
      element("b", {}, format(value * weight)),
      inside ? null : element("span", { class: "unseen" }, " (padding)"),
    ),
  );
  const rows = Array.from({ length: side }, () => element("tr", {}, ...cells.splice(0, side)));
  return element("table", { class: "numbers" }, element("caption", { class: "unseen" }, "pixel × weight"), ...rows);
}

/** The sum in words: "9 products add up to 40; divided by 16: 2.5". */
export function sumWords(terms, divisor) {
  const total = terms.reduce((sum, { value, weight }) => sum + value * weight, 0);
  const outside = terms.filter(({ inside }) => !inside).length;
  const padding = outside ? `, ${outside} of them with padding (dotted),` : "";
  const divided = divisor === 1 ? "" : `; divided by ${format(divisor)}: ${format(total / divisor)}`;
  return `${terms.length} products${padding} add up to ${format(total)}${divided}`;
}
