// What the network answers: a bar a class, and the softmax that makes the probabilities, written out.
import { element, format } from "./shared.js";

const BARS = 12; // bars; of more classes, the likeliest

/** Bars of the classes' probabilities; `choose(unit)` is called with the class that is clicked. */
export function scoresOf(network, data, choose) {
  const count = Math.min(network.softmax().length, BARS);
  const rows = Array.from({ length: count }, () => scoreRow(choose));
  const [title, source] = [element("strong", {}), element("span", { class: "faint" })];
  const header = element("header", {}, title, source);
  const body = element("div", { class: "scores" }, ...rows.map((row) => row.button));
  const column = element(
    "section",
    { class: "column answer", "aria-label": "class scores" },
    header,
    element("div"),
    body,
  );
  return { element: column, redraw: () => redrawScores({ rows, title, source }, network.softmax()) };
}

function scoreRow(choose) {
  const [name, part] = [element("span", { class: "class" }), element("span", { class: "probability" })];
  const bar = element("span", { class: "bar" });
  const track = element("span", { class: "track" }, bar);
  const button = element("button", { class: "score", type: "button" }, name, track, part);
  const row = { button, name, track, bar, part, unit: 0 };
  button.addEventListener("click", () => choose(row.unit));
  return row;
}

function redrawScores({ rows, title, source }, found) {
  const known = decided(found);
  const shares = found[0].exponential === null ? "probabilities" : "softmax of the scores";
  [title.textContent, source.textContent] = known ? ["Answer", shares] : ["Output", "no probabilities"];
  const order = found.map((_, unit) => unit);
  if (order.length > rows.length) order.sort((a, b) => found[b].probability - found[a].probability);
  const best = likeliest(found);
  rows.forEach((row, number) => {
    const { name, logit, exponential, probability } = found[order[number]];
    const text = known ? percent(probability) : format(logit);
    row.unit = order[number];
    row.name.textContent = name;
    row.button.title = name;
    row.part.textContent = text;
    row.track.style.visibility = known ? "visible" : "hidden";
    row.bar.style.transform = `scaleX(${known ? probability : 0})`;
    row.button.classList.toggle("best", known && row.unit === best);
    const score = known && exponential !== null ? `, score ${format(logit)}` : "";
    row.button.setAttribute("aria-label", `${name}: ${text}${score}`);
  });
}

/** Whether there is an answer: several classes, whose scores are all finite. */
export function decided(found) {
  return found.length > 1 && found.every(({ logit }) => Number.isFinite(logit));
}

/** The class of the largest probability. */
export function likeliest(found) {
  return found.reduce((best, row, unit) => (row.probability > found[best].probability ? unit : best), 0);
}

/** A probability as text. */
export function percent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}

/**
 * The softmax as a table: of every class, or of the likeliest and the one chosen, its exponential and their share. Null
 * where there is no answer, or the model's last layer is the softmax.
 */
export function softmaxTable(network, unit, most = 20) {
  const found = network.softmax();
  if (!decided(found) || found[0].exponential === null) return null;
  const order = found.map((_, number) => number);
  const kept =
    order.length <= most ? order : order.sort((a, b) => found[b].probability - found[a].probability).slice(0, most);
  if (unit >= 0 && !kept.includes(unit)) kept.push(unit);
  const whole = found.reduce((sum, row) => sum + row.exponential, 0);
  const left = whole - kept.reduce((sum, number) => sum + found[number].exponential, 0);
  const body = kept.map((number) => softmaxRow(found[number], number === unit, whole));
  if (kept.length < found.length) {
    body.push(numberRow([`other ${found.length - kept.length}`, "", format(left), percent(left / whole)]));
  }
  body.push(numberRow(["sum", "", format(whole), percent(1)], "total"));
  const head = element(
    "tr",
    {},
    ...["class", "score z", "e^z", "e^z / sum"].map((name) => element("th", { scope: "col" }, name)),
  );
  return element("table", { class: "numbers" }, element("thead", {}, head), element("tbody", {}, ...body));
}

function softmaxRow({ name, logit, exponential, probability }, chosen, whole) {
  const share = chosen ? `${format(exponential)} / ${format(whole)} = ${percent(probability)}` : percent(probability);
  return numberRow([name, format(logit), format(exponential), share], chosen ? "chosen" : null);
}

/** A row of a table of numbers, its first cell a header. */
export function numberRow([name, ...cells], kind = null) {
  return element(
    "tr",
    { class: kind },
    element("th", { scope: "row" }, name),
    ...cells.map((cell) => element("td", {}, cell)),
  );
}
