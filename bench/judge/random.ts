/** A seeded source of random draws; the same seed gives the same figures on every machine. */
export interface Random {
  uniform(): number;
  normal(): number;
  gamma(shape: number): number;
  beta(a: number, b: number): number;
  binomial(trials: number, probability: number): number;
  poisson(mean: number): number;
}

/** Exact samplers on top of sfc32 (C. Doty-Humphrey, PractRand). */
export function seededRandom(seed: number): Random {
  const uniform = sfc32(seed);

  /** Polar method (G. Marsaglia and T. Bray, 1964). */
  const normal = (): number => {
    for (;;) {
      const [u, v] = [2 * uniform() - 1, 2 * uniform() - 1];
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  };

  /** G. Marsaglia and W. Tsang, A Simple Method for Generating Gamma Variables, 2000. */
  const gamma = (shape: number): number => {
    if (shape < 1) return gamma(shape + 1) * uniform() ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  };

  const beta = (a: number, b: number): number => {
    const x = gamma(a);
    return x / (x + gamma(b));
  };

  /** Halves the trials at a median order statistic until few are left (L. Devroye, Non-Uniform Random Variate Generation, X.4). */
  const binomial = (trials: number, probability: number): number => {
    let [n, p, hits] = [trials, Math.min(1, probability), 0];
    while (n > 40 && n * Math.min(p, 1 - p) > 5) {
      const middle = (n >> 1) + 1;
      const at = beta(middle, n + 1 - middle);
      if (at <= p) [hits, n, p] = [hits + middle, n - middle, (p - at) / (1 - at)];
      else [n, p] = [middle - 1, p / at];
    }
    if (p > 0.5) return hits + n - rare(n, 1 - p);
    return hits + rare(n, p);
  };

  /** Geometric gaps between hits. */
  const rare = (n: number, p: number): number => {
    if (p <= 0) return 0;
    let [position, hits] = [0, 0];
    for (;;) {
      position += Math.floor(Math.log(uniform()) / Math.log1p(-p)) + 1;
      if (position > n) return hits;
      hits += 1;
    }
  };

  /** Gamma reduction (J. Ahrens and U. Dieter, 1974), then multiplication. */
  const poisson = (mean: number): number => {
    let [left, events] = [mean, 0];
    while (left > 20) {
      const step = Math.floor((left * 7) / 8);
      const arrival = gamma(step);
      if (arrival > left) return events + binomial(step - 1, left / arrival);
      [left, events] = [left - arrival, events + step];
    }
    for (let product = uniform(), floor = Math.exp(-left); product > floor; product *= uniform()) events += 1;
    return events;
  };

  return { uniform, normal, gamma, beta, binomial, poisson };
}

function sfc32(seed: number): () => number {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88 | 0, 1];
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return ((t >>> 0) + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < 15; i += 1) next();
  return next;
}
