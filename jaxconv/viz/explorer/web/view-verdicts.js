// Beside every map: whether it moved along with the image, as it is derived and as it is seen.
import { element } from "./shared.js";
import { follower, judge, remembered, verdictWords } from "./view-shift.js";

/** `keep()` remembers the maps of the unshifted image; `show(by)` compares, or shows the claims where `by` is 0. */
export function verdictsOn(network, data, columns) {
  const nodes = [...network.nodes.keys()];
  const image = data.image.shape;
  const follows = network.nodes.map(({ claim, shape }) => claim && follower(claim.moves, image, shape));
  const verdict = (node, by) => judge(network.value(node), before[node], follows[node], by, image);
  let before = null;
  const show = ([down, right]) => {
    if (down === 0 && right === 0) before = null;
    for (const node of nodes) {
      const column = columns.column(node);
      if (before) showVerdict(column, verdict(node, [down, right]));
      else showClaim(column);
    }
  };
  return { keep: () => (before ??= nodes.map((node) => remembered(network.value(node), network.shapeOf(node)))), show };
}

function showClaim({ claim, verdict, maps }) {
  if (verdict.dataset.of === "claim") return;
  verdict.dataset.of = "claim";
  verdict.replaceChildren(...claimLines(claim, true));
  for (const map of maps) label(map, "", "", map.label);
}

function claimLines(claim, first) {
  if (!claim) return [];
  const line = (where, words) => element("span", { class: "faint" }, `${where}: ${words.replaceAll("->", "→")}`);
  return [
    first ? line("on a torus", claim.words) : null,
    claim.plane ? line("on a plane", claim.plane) : null,
  ].filter(Boolean);
}

function showVerdict({ claim, verdict, maps }, found) {
  const words = verdictWords(found);
  const kind = found.broken ? "alarm" : found.seen.differ === 0 ? "equal" : "differs";
  if (verdict.dataset.of !== words.derived + words.seen) {
    verdict.dataset.of = words.derived + words.seen;
    const alarm = found.broken
      ? [element("strong", { class: "alarm" }, "This contradicts the claim: please report it.")]
      : [];
    const seen = element("span", { class: kind }, words.seen);
    verdict.replaceChildren(
      element("span", {}, words.derived),
      seen,
      ...alarm,
      ...claimLines(found.derived ? null : claim, false),
    );
  }
  for (const map of maps) {
    const { channel } = map.picture;
    const differ = channel === null ? found.seen.differ : found.seen.inChannel[channel];
    const name = differ === 0 ? "moved along" : `${differ} entries differ`;
    label(map, differ === 0 ? "=" : "≠", differ === 0 ? "equal" : kind, `${map.label}, ${name}`);
  }
}

function label(map, text, kind, name) {
  if (map.button.ariaLabel === name) return;
  map.sign.textContent = text;
  map.sign.className = `sign ${kind}`;
  map.button.setAttribute("aria-label", name);
}
