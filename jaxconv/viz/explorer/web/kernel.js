// A kernel that slides over an image as in `jaxconv.conv`: which pixels meet which weights, and their sums.

/** Pixels added below and above an axis by VALID, SAME, FULL, CAUSAL or [lo, hi]; the rules of geometry/axis.py. */
export function padAmounts(padding, size, window, stride, dilation) {
  const reach = (window - 1) * dilation + 1;
  if (Array.isArray(padding)) return padding;
  if (padding === "SAME") {
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  return { VALID: [0, 0], FULL: [reach - 1, reach - 1], CAUSAL: [reach - 1, 0] }[padding];
}

/** One axis of `size` pixels under a window, from {stride, padding, mode, dilation}; an Error says what is amiss. */
export function axisOver(size, window, { stride, padding, mode, dilation }, most = Infinity) {
  const [lo, hi] = padAmounts(padding, size, window, stride, dilation);
  const reach = (window - 1) * dilation + 1;
  const padded = lo + size + hi;
  if (padded < reach) throw new Error(`The window spans ${reach} pixels but the padded image has only ${padded}.`);
  if (mode === "reflect" && size === 1 && padded > 1) throw new Error("A mirror on a pixel needs at least 2 of them.");
  if (padded > most) throw new Error(`The padded image has ${padded} pixels along an axis; ${most} can be shown.`);
  const output = Math.floor((padded - reach) / stride) + 1;
  return { size, window, stride, dilation, mode, lo, hi, padded, output };
}

/** The pixel that a boundary repeats at a position, which may lie beyond the border; -1 where it puts zeros. */
export function pixelAt(mode, position, size) {
  if (position >= 0 && position < size) return position;
  if (mode === "zeros") return -1;
  if (mode === "edge") return position < 0 ? 0 : size - 1;
  const period = { circular: size, symmetric: 2 * size, reflect: 2 * size - 2 }[mode];
  const inPeriod = ((position % period) + period) % period;
  if (inPeriod < size) return inPeriod;
  return period - inPeriod - (mode === "symmetric" ? 1 : 0);
}

/** The image, `height width channels`, with its border on all sides. */
export function extendImage(values, channels, [down, across]) {
  const extended = new Float32Array(down.padded * across.padded * channels);
  const columns = Array.from({ length: across.padded }, (_, at) => pixelAt(across.mode, at - across.lo, across.size));
  for (let row = 0, to = 0; row < down.padded; row += 1) {
    const from = pixelAt(down.mode, row - down.lo, down.size);
    for (const column of columns) {
      for (let channel = 0; channel < channels; channel += 1, to += 1) {
        if (from >= 0 && column >= 0) extended[to] = values[(from * across.size + column) * channels + channel];
      }
    }
  }
  return extended;
}

/** Slide the weights over each channel of an extended image, and divide: `output output channels`. */
export function convolve(extended, channels, weights, divisor, [down, across]) {
  const [line, step] = [across.output * channels, across.stride * channels];
  const sums = new Float64Array(down.output * line);
  for (let tap = 0; tap < weights.length; tap += 1) {
    const weight = weights[tap];
    const [row, column] = [Math.floor(tap / across.window), tap % across.window];
    for (let place = 0; place < down.output; place += 1) {
      const begin = (place * down.stride + row * down.dilation) * across.padded + column * across.dilation;
      // Channel by channel: the innermost loop is long, and three times as fast as one over channels.
      for (let channel = 0; channel < channels; channel += 1) {
        let from = begin * channels + channel;
        for (let to = place * line + channel; to < (place + 1) * line; to += channels, from += step) {
          sums[to] += weight * extended[from];
        }
      }
    }
  }
  return divisor === 1 ? sums : sums.map((sum) => sum / divisor);
}

/** The cells of the extended image that make the output at a place: [{row, column, inside}], in the weights' order. */
export function cellsOf([row, column], [down, across]) {
  const cells = [];
  for (let tap = 0; tap < down.window * across.window; tap += 1) {
    const y = row * down.stride + Math.floor(tap / across.window) * down.dilation;
    const x = column * across.stride + (tap % across.window) * across.dilation;
    cells.push({ row: y, column: x, inside: within(y - down.lo, down.size) && within(x - across.lo, across.size) });
  }
  return cells;
}

function within(position, size) {
  return position >= 0 && position < size;
}
