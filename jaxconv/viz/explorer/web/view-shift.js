// How an image moves round its edges, what a claim derives of a map from that, and what is seen; without a page.

const TOLERANCE = 1e-5; // of a map's largest entry: what is less is rounding

/** `number` brought into 0 .. size - 1 by whole turns. */
export function wrapped(number, size) {
  return ((number % size) + size) % size;
}

/** An array's rows, columns and what it holds at each; all of what is no map stands at one place. */
export function spaceOf(shape) {
  return shape.length === 3 ? shape : [1, 1, shape.reduce((product, size) => product * size, 1)];
}

/** The entries of an array of `shape`, moved by `[down, right]`; what leaves at one side comes in at the other. */
export function rolled(values, shape, [down, right]) {
  const [height, width, channels] = spaceOf(shape);
  const moved = new Float32Array(values.length);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const to = (wrapped(row + down, height) * width + wrapped(column + right, width)) * channels;
      const from = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel += 1) moved[to + channel] = values[from + channel];
    }
  }
  return moved;
}

/**
 * A function that says by how much a map moves when the image moves by `[down, right]`, or null where nothing is
 * claimed. `moves` generate the shifts that survive; their sums are walked through: in 5 rows, 3 steps of 2 are 1.
 */
export function follower(moves, imageShape, mapShape) {
  const [rows, columns] = spaceOf(imageShape);
  const [height, width] = spaceOf(mapShape);
  let reached = null;
  return ([down, right]) => {
    reached ??= walk(moves, [rows, columns], [height, width]);
    const found = reached[wrapped(down, rows) * columns + wrapped(right, columns)];
    return found < 0 ? null : [centred(Math.floor(found / width), height), centred(found % width, width)];
  };
}

function walk(moves, [rows, columns], [height, width]) {
  const reached = new Int32Array(rows * columns).fill(-1);
  reached[0] = 0;
  const waiting = [0];
  while (waiting.length) {
    const from = waiting.pop();
    for (const { input, output } of moves) {
      const row = wrapped(Math.floor(from / columns) + input[0], rows);
      const to = row * columns + wrapped((from % columns) + input[1], columns);
      if (reached[to] >= 0) continue;
      const down = wrapped(Math.floor(reached[from] / width) + output[0], height);
      reached[to] = down * width + wrapped((reached[from] % width) + output[1], width);
      waiting.push(to);
    }
  }
  return reached;
}

function centred(number, size) {
  return number > size / 2 ? number - size : number;
}

/** A map to compare others with: its entries, as they are now. */
export function remembered(values, shape) {
  return { values: values.slice(), shape, least: TOLERANCE * largestFinite(values) };
}

/**
 * How `after` differs from what is remembered of `before`, moved by `[down, right]`: entries that differ, in all and in
 * each channel. More than `most` are not counted.
 */
export function compare(after, before, [down, right], most = Infinity) {
  const { values, least } = before;
  const [height, width, channels] = spaceOf(before.shape);
  const inChannel = new Uint32Array(channels);
  let [differ, deviation] = [0, 0];
  for (let row = 0; row < height && differ <= most; row += 1) {
    const source = wrapped(row - down, height) * width;
    for (let column = 0; column < width; column += 1) {
      const was = (source + wrapped(column - right, width)) * channels;
      const is = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel += 1) {
        const x = after[is + channel];
        const y = values[was + channel];
        if (x === y || Math.abs(x - y) <= least || (Number.isNaN(x) && Number.isNaN(y))) continue;
        differ += 1;
        inChannel[channel] += 1;
        deviation = Math.max(deviation, Math.abs(x - y));
      }
    }
  }
  return { by: [down, right], differ, total: after.length, deviation, inChannel };
}

function largestFinite(values) {
  let most = 0;
  for (let number = 0; number < values.length; number += 1) {
    const size = Math.abs(values[number]);
    if (size > most && size < Infinity) most = size;
  }
  return most;
}

/**
 * Where nothing is claimed: the best comparison among the image's shift, times a whole enlargement or divided by whole
 * strides, and none.
 */
export function nearest(after, before, [down, right], imageShape) {
  const [height, width] = spaceOf(before.shape);
  const [tall, wide] = spaceOf(imageShape);
  const shifts = [];
  if (height * width > 1) {
    if (height % tall === 0 && width % wide === 0) shifts.push([(down * height) / tall, (right * width) / wide]);
    const most = Math.max(Math.abs(down), Math.abs(right));
    for (let stride = 1; stride <= most; stride += 1) {
      if (down % stride === 0 && right % stride === 0) shifts.push([down / stride, right / stride]);
    }
  }
  shifts.push([0, 0]);
  let best = null;
  for (const shift of shifts) {
    const seen = compare(after, before, shift, best?.differ);
    if (best === null || seen.differ < best.differ) best = seen;
    if (best.differ === 0) break;
  }
  return best;
}

/** What is derived of a map, what is seen, and whether the one contradicts the other. */
export function judge(after, before, follows, by, imageShape) {
  const derived = follows ? follows(by) : null;
  const seen = derived ? compare(after, before, derived) : nearest(after, before, by, imageShape);
  return { derived, seen, broken: derived !== null && seen.differ > 0 };
}

/** A shift in words. */
export function movement([down, right]) {
  const text = (number) => (number < 0 ? `\u2212${-number}` : `${number}`);
  return down === 0 && right === 0 ? "unmoved" : `moves by (${text(down)}, ${text(right)})`;
}

/** A verdict in two short sentences. */
export function verdictWords({ derived, seen }) {
  const part = `${seen.differ} of ${seen.total} entries`;
  if (derived)
    return {
      derived: `derived: ${movement(derived)}`,
      seen: `seen: ${seen.differ === 0 ? "equal" : `${part} differ`}`,
    };
  const but = seen.differ === 0 ? "" : ` but for ${part}`;
  return { derived: "derived: nothing", seen: `seen: ${movement(seen.by)}${but}` };
}
