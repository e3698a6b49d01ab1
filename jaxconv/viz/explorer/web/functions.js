// Functions of single numbers, by JAX's names; comparisons give 1 or 0.

/** The error function and its complement, to seven digits (Press et al. 2007, "Numerical Recipes", section 6.2.2). */
function complement(x) {
  const z = Math.abs(x);
  const t = 2 / (2 + z);
  const series = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277];
  const tail = t * Math.exp(-z * z + series.reduceRight((sum, c) => sum * t + c, 0));
  return x < 0 ? 2 - tail : tail;
}

export const FUNCTIONS = {
  abs: Math.abs,
  add: (a, b) => a + b,
  and: (a, b) => a & b,
  ceil: Math.ceil,
  clamp: (low, x, high) => Math.min(Math.max(x, low), high),
  cos: Math.cos,
  div: (a, b) => a / b,
  eq: (a, b) => Number(a === b),
  erf: (x) => 1 - complement(x),
  erfc: complement,
  exp: Math.exp,
  expm1: Math.expm1,
  floor: Math.floor,
  ge: (a, b) => Number(a >= b),
  gt: (a, b) => Number(a > b),
  is_finite: (x) => Number(Number.isFinite(x)),
  le: (a, b) => Number(a <= b),
  log: Math.log,
  log1p: Math.log1p,
  logistic: (x) => 1 / (1 + Math.exp(-x)),
  lt: (a, b) => Number(a < b),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  mul: (a, b) => a * b,
  ne: (a, b) => Number(a !== b),
  neg: (x) => -x,
  not: (x) => Number(!x),
  or: (a, b) => a | b,
  pow: (a, b) => a ** b,
  rsqrt: (x) => 1 / Math.sqrt(x),
  select_n: (which, a, b) => (which ? b : a),
  sign: Math.sign,
  sin: Math.sin,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  sub: (a, b) => a - b,
  tanh: Math.tanh,
  trunc: Math.trunc,
};

// What a reduction starts from, and how it goes on.
export const FOLDS = {
  max: [-Infinity, FUNCTIONS.max],
  min: [Infinity, FUNCTIONS.min],
  sum: [0, FUNCTIONS.add],
};
