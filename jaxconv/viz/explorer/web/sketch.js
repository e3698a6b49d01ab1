// Images from outside, as numbers: what a pen leaves, and the colours of a file. No page is needed here.

/** Put ink on the pixels within `radius` of `[row, column]`; `ink` has one number a channel. Its rim is soft. */
export function dab(pixels, [height, width, channels], [row, column], radius, ink) {
  const reach = Math.ceil(radius);
  for (let y = Math.max(Math.floor(row) - reach, 0); y <= Math.min(Math.floor(row) + reach, height - 1); y += 1) {
    for (
      let x = Math.max(Math.floor(column) - reach, 0);
      x <= Math.min(Math.floor(column) + reach, width - 1);
      x += 1
    ) {
      const distance = Math.hypot(y + 0.5 - row, x + 0.5 - column);
      const share = Math.min(Math.max(radius + 0.5 - distance, 0), 1);
      for (let channel = 0; channel < channels; channel += 1) {
        const at = (y * width + x) * channels + channel;
        pixels[at] += (ink[channel % ink.length] - pixels[at]) * share;
      }
    }
  }
}

/** Dabs in a row, so close that they make a stroke. */
export function stroke(pixels, shape, from, to, radius, ink) {
  const steps = Math.max(Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / Math.max(radius / 2, 0.5)), 1);
  for (let step = 0; step <= steps; step += 1) {
    const part = step / steps;
    dab(pixels, shape, [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part], radius, ink);
  }
}

/** Red, green and blue from 0 to 255 as pixels of the image: grey if it has one channel, `low` to `high`. */
export function pixelsFrom(colours, [height, width, channels], { low, high }, invert = false) {
  const pixels = new Float32Array(height * width * channels);
  for (let number = 0; number < height * width; number += 1) {
    const rgb = [0, 1, 2].map((which) => colours[4 * number + which] / 255);
    const grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]; // ITU-R BT.601, as Pillow's convert("L")
    for (let channel = 0; channel < channels; channel += 1) {
      const share = channels === 3 ? rgb[channel] : grey;
      pixels[number * channels + channel] = low + (high - low) * (invert ? 1 - share : share);
    }
  }
  return pixels;
}
