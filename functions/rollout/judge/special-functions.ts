/**
 * Logarithms of beta-distribution quantities, sound from tiny parameters to 1e9.
 *
 * Libraries offer lgamma and the incomplete beta function on the plain scale only: their tails underflow to 0 and
 * lgamma(1e9) ≈ 2e10 leaves an error near 4e-6 after subtraction. Here the large terms never appear: they cancel on paper.
 */

const HALF_LN_2PI = 0.5 * Math.log(2 * Math.PI);
const CONVERGED = 1e-15;
const ITERATIONS_MAX = 2_000_000;
const TINY = 1e-300;

/**
 * ln Γ(z) − [(z − ½) ln z − z + ½ ln 2π], the error of Stirling's formula (NIST DLMF 5.11.1).
 * Below 16 by the recurrence δ(z) = δ(z+1) + (z + ½) ln(1 + 1/z) − 1.
 */
export function stirlingError(z: number): number {
  let shift = 0;
  let at = z;
  while (at < 16) {
    shift += (at + 0.5) * Math.log1p(1 / at) - 1;
    at += 1;
  }
  const w = 1 / (at * at);
  const series =
    1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - (w * 691) / 360360))));
  return shift + series / at;
}

/** x ln(x/m) + m − x, for x ≥ 0 and m > 0, without cancellation where x ≈ m (C. Loader, Fast and Accurate Computation of Binomial Probabilities, 2000). */
export function devianceTerm(x: number, m: number): number {
  if (x === 0) return m;
  const difference = x - m;
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  if (difference === 0) return 0;
  const v = difference / (x + m);
  let sum = difference * v;
  let term = 2 * x * v;
  // |v| < 0.1, so that each term is a hundredth of the one before.
  for (let j = 3; j < 25; j += 2) {
    term *= v * v;
    sum += term / j;
  }
  return sum;
}

/**
 * ln[ xᵃ yᵇ / B(a, b) ] for y = 1 − x, both given so that neither loses digits; a, b > 0 and 0 < x < 1.
 * With Stirling's formula this is −(a+b)·KL(a/(a+b) ‖ x) plus small corrections.
 */
export function lnBetaKernel(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const divergence = devianceTerm(a, n * x) + devianceTerm(b, n * y);
  const corrections = stirlingError(n) - stirlingError(a) - stirlingError(b);
  return -divergence + 0.5 * (Math.log(a) + Math.log(b / n)) - HALF_LN_2PI + corrections;
}

/** ln I_x(a, b), the log of the regularized incomplete beta function; y = 1 − x. */
export function lnBetaCdf(a: number, b: number, x: number, y: number): number {
  if (x <= (a + 1) / (a + b + 2)) return lnTailByFraction(a, b, x, y);
  // A tail of almost 1 leaves no digits for the other, but never none at all.
  const lnOther = Math.min(lnTailByFraction(b, a, y, x), -Number.EPSILON);
  return Math.log1p(-Math.exp(lnOther));
}

/** Continued fraction NIST DLMF 8.17.22 by Lentz's method as modified by Thompson and Barnett; about √max(a, b) steps. */
function lnTailByFraction(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  let c = 1;
  let d = 1 / away(1 - (n * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < ITERATIONS_MAX; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (n + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const step = c * d;
    fraction *= step;
    if (Math.abs(step - 1) < CONVERGED) break;
  }
  return lnBetaKernel(a, b, x, y) + Math.log(fraction) - Math.log(a);
}

function away(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** ln Σ wᵢ e^{vᵢ} without overflow; −Infinity for no weight at all. */
export function lnWeightedSum(terms: readonly { readonly weight: number; readonly ln: number }[]): number {
  const used = terms.filter((term) => term.weight > 0);
  const top = Math.max(...used.map((term) => term.ln));
  if (!Number.isFinite(top)) return top;
  return top + Math.log(used.reduce((sum, term) => sum + term.weight * Math.exp(term.ln - top), 0));
}
