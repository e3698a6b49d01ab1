// Which entry of an array stands where in which picture: feature maps one each, vectors folded into a strip.

/** Where the arrow keys go: down and right. */
export const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * The pictures of an array: `{height, width, channel, at, place}`. `at(row, column)` is the number of the entry there,
 * or -1; `place(entry)` is its `[row, column]`, or null. `shown` are the channels or units to show; `channel` is null
 * where a picture holds several, and `colours` is true where those are red, green and blue.
 */
export function picturesOf(shape, shown, colours = false) {
  if (shape.length === 3) {
    return colours ? [{ ...plane(shape, 0, null), colours }] : shown.map((channel) => plane(shape, channel, channel));
  }
  if (shape.length < 2) return [strip(shown)];
  return [sheet(shape, shown)];
}

function plane([height, width, channels], offset, channel) {
  return {
    height,
    width,
    channel,
    at: (row, column) => (row * width + column) * channels + offset,
    place: (entry) => {
      if (channel !== null && entry % channels !== channel) return null;
      const pixel = Math.floor(entry / channels);
      return [Math.floor(pixel / width), pixel % width];
    },
  };
}

// About eight times as high as wide, to stand in a column of maps; a few units make one line.
function strip(shown) {
  const width = shown.length <= 16 ? 1 : Math.ceil(Math.sqrt(shown.length / 8));
  const places = new Map(shown.map((unit, number) => [unit, number]));
  return {
    height: Math.ceil(shown.length / width),
    width,
    channel: null,
    at: (row, column) => shown[row * width + column] ?? -1,
    place: (entry) => {
      const number = places.get(entry);
      return number === undefined ? null : [Math.floor(number / width), number % width];
    },
  };
}

function sheet(shape, shown) {
  const channels = shape[shape.length - 1];
  const places = new Map(shown.map((channel, number) => [channel, number]));
  return {
    height: shape.slice(0, -1).reduce((product, size) => product * size, 1),
    width: shown.length,
    channel: null,
    at: (row, column) => row * channels + shown[column],
    place: (entry) => {
      const column = places.get(entry % channels);
      return column === undefined ? null : [Math.floor(entry / channels), column];
    },
  };
}

/** An entry's numbers along the axes, from 0, as Python writes them: [3, 7, 2]. */
export function indices(shape, entry) {
  const found = [];
  let rest = entry;
  for (const size of [...shape].reverse()) {
    found.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return found;
}

/** An entry's place in words, counted from 1. */
export function placeWords(shape, entry) {
  const at = indices(shape, entry).map((number) => number + 1);
  if (shape.length === 3) return `map ${at[2]} of ${shape[2]}, row ${at[0]}, column ${at[1]}`;
  if (shape.length < 2) return `unit ${at[0] ?? 1} of ${shape[0] ?? 1}`;
  return at.map((number, axis) => `${number} of ${shape[axis]}`).join(", ");
}

/** The entry `[down, right]` of another, kept within the picture. */
export function neighbour(picture, entry, [down, right]) {
  const [row, column] = picture.place(entry);
  const clamp = (number, size) => Math.min(Math.max(number, 0), size - 1);
  const found = picture.at(clamp(row + down, picture.height), clamp(column + right, picture.width));
  return found < 0 ? entry : found;
}

/** The entry in the middle of a picture. */
export function middle(picture) {
  return Math.max(picture.at(Math.floor(picture.height / 2), Math.floor(picture.width / 2)), picture.at(0, 0));
}

/** How large a pixel is drawn so that a picture fits into `size`: whole numbers of screen pixels where it can be. */
export function zoom(picture, size) {
  const factor = size / Math.max(picture.height, picture.width);
  return factor >= 1 ? Math.floor(factor) : factor;
}
