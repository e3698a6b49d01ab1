// Arrays that Python wrote as base64: their numbers, little-endian, row after row.

const KINDS = { float32: Float32Array, int32: Int32Array };

/** The numbers of `{dtype, shape, data}`, as `encode` in arrays.py writes them. */
export function decode(array) {
  const bytes = Uint8Array.from(atob(array.data), (letter) => letter.charCodeAt(0));
  return new KINDS[array.dtype](bytes.buffer);
}

/** How many entries an array of this shape has. */
export function sizeOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}
