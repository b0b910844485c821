// The error function to double precision.

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI)

/** erf(x) = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!: all terms have one sign, so nothing cancels (DLMF 7.6.2). */
const series = (x: number): number => {
  const square = x * x
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= 2 * square / (2 * n + 1)
    sum += term
  }
  return twoOverSqrtPi * Math.exp(-square) * sum
}

/** erfc(x) for x >= 2 by its continued fraction x + (1/2)/(x + 1/(x + (3/2)/(x + ...))), from the tail (DLMF 7.9.1). */
const tail = (x: number): number => {
  let fraction = x
  for (let n = x < 3 ? 120 : 50; n >= 1; n--) fraction = x + n / 2 / fraction
  return Math.exp(-x * x) / (fraction * Math.sqrt(Math.PI))
}

/** Absolute error below 1e-15. */
export const erf = (x: number): number => {
  if (Math.abs(x) < 2) return x === 0 ? x : series(x)
  if (Math.abs(x) > 6) return Math.sign(x)
  return x > 0 ? 1 - tail(x) : Number.isNaN(x) ? x : tail(-x) - 1
}

/** 1 - erf(x), without cancellation for large x. */
export const erfc = (x: number): number => x < 2 ? 1 - erf(x) : x > 27 ? 0 : tail(x)
