// The sentence over the page: which image is shown, what the network answers, and how near to JAX that is.
import { element, format } from "./shared.js";
import { titleOf } from "./view-input.js";
import { decided, likeliest, percent } from "./view-scores.js";

const OUTPUTS = 6; // outputs named where they are no answer

/** The sentence as text and elements, for image `number`, or null for the reader's own, shifted by `shift`. */
export function answerParts({ data, network, number, shift }) {
  const shown = number === null ? "your image" : titleOf(data.images[number], data);
  if (data.logits === null) return [shown];
  const compared = data.live && number !== null && String(shift) === "0,0";
  return [`${shown}: ${answerWords(network.softmax())}`, ...(compared ? agreement(network, number) : [])];
}

function answerWords(found) {
  if (decided(found)) {
    const { name, probability } = found[likeliest(found)];
    return `the answer is ${name} (${percent(probability)})`;
  }
  const values = found.slice(0, OUTPUTS).map(({ logit }) => format(logit));
  const more = found.length > OUTPUTS ? ", …" : "";
  return `the output${found.length > 1 ? "s are" : " is"} ${values.join(", ")}${more}`;
}

function agreement(network, number) {
  const deviation = format(network.deviation(number), 2);
  if (!network.deviates(number)) return [`, its scores within ${deviation} of JAX's`];
  return [", ", element("strong", { class: "alarm" }, `its scores differ from JAX's by ${deviation}`)];
}
