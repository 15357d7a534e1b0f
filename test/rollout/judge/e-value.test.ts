import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lnEvidence, rateRatio, shareInterval, toleratedShare } from '#rollout/judge/e-value.ts';
import vectors from './data/high-precision.json' with { type: 'json' };

describe('known values of the specification', () => {
  test.each([
    [10, 0, 0.5, 0, 2.406582, 3.090078],
    [5, 5, 0.5, 0, -0.359038, -0.359038],
    [20, 40, 0.1, 0.1, 8.132156, 9.063956],
    [60, 40, 0.5, 0.1, -0.139085, 0.472391],
  ])(
    'relative: %d of the canary, %d of the baseline, share %d, margin %d',
    (canary, other, share, margin, lnE2, lnE1) => {
      const found = lnEvidence({ canary, other }, toleratedShare(share, margin), 10);
      expect(Math.abs(found.lnE2 - lnE2)).toBeLessThan(1e-6);
      expect(Math.abs(found.lnE1 - lnE1)).toBeLessThan(1e-6);
    },
  );

  test.each([
    [4, 4, 0.05, 4.113964, 5.222021],
    [3, 20, 0.05, -0.028907, 0.973662],
    [0, 100, 0.05, 3.895003, -2.108804],
  ])('absolute: %d of %d against %d', (events, trials, limit, lnE2, lnE1) => {
    const found = lnEvidence({ canary: events, other: trials - events }, limit, 10);
    expect(Math.abs(found.lnE2 - lnE2)).toBeLessThan(1e-6);
    expect(Math.abs(found.lnE1 - lnE1)).toBeLessThan(1e-6);
  });
});

test.each(vectors.evidence)(
  'e-values by high precision: $canary and $other at $r',
  ({ canary, other, r, lnE1, lnE2 }) => {
    const found = lnEvidence({ canary, other }, r, 10);
    const tolerance = (exact: number) => 1e-9 * Math.max(1, Math.abs(exact));
    expect(Math.abs(found.lnE1 - lnE1)).toBeLessThan(tolerance(lnE1));
    expect(Math.abs(found.lnE2 - lnE2)).toBeLessThan(tolerance(lnE2));
  },
);

test('the trap: a perfect canary with a billion requests has a huge lnE2 and no evidence against it', () => {
  const { lnE1, lnE2 } = lnEvidence({ canary: 0, other: 1e9 }, 0.05, 10);
  expect(lnE2).toBeGreaterThan(5e7);
  expect(lnE1).toBeLessThan(-15);
});

/** E = ∫ prior(θ) (θ/r)ˣ ((1−θ)/(1−r))ʸ dθ, by Simpson's rule in logit θ: shares nothing with the closed form. */
function integrate(x: number, y: number, r: number, k: number, above: boolean): number {
  const [steps, end] = [200_000, 60];
  const from = above ? Math.log(r / (1 - r)) : -end;
  const h = (end - from) / steps;
  let [weighted, prior] = [0, 0];
  for (let i = 0; i <= steps; i += 1) {
    const t = from + i * h;
    const [lnTheta, lnRest] = [-Math.log1p(Math.exp(-t)), -Math.log1p(Math.exp(t))];
    const simpson = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    const density = simpson * Math.exp(k * r * lnTheta + k * (1 - r) * lnRest);
    prior += density;
    weighted += density * Math.exp(x * (lnTheta - Math.log(r)) + y * (lnRest - Math.log1p(-r)));
  }
  return Math.log(weighted / prior);
}

test.each([
  [20, 40, 0.109, 10],
  [3, 17, 0.05, 10],
  [0, 30, 0.3, 10],
  [2.5, 0.5, 0.5, 4],
  [12, 90, 0.2, 30],
])('the closed form is the mean likelihood ratio: %d, %d, r %d, k %d', (x, y, r, k) => {
  const { lnE1, lnE2 } = lnEvidence({ canary: x, other: y }, r, k);
  expect(lnE2).toBeCloseTo(integrate(x, y, r, k, false), 6);
  expect(lnE1).toBeCloseTo(integrate(x, y, r, k, true), 6);
});

const counts = fc.double({ min: 0, max: 1e9, noNaN: true });
const shares = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });

test('finite for all counts and shares, and an E-value of 1 for no events', () => {
  fc.assert(
    fc.property(counts, counts, shares, (canary, other, r) => {
      const { lnE1, lnE2 } = lnEvidence({ canary, other }, r, 10);
      expect(Number.isFinite(lnE1)).toBe(true);
      expect(Number.isFinite(lnE2)).toBe(true);
    }),
  );
  expect(lnEvidence({ canary: 0, other: 0 }, 0.3, 10)).toEqual({ lnE1: 0, lnE2: 0 });
});

test('an event more on the canary adds evidence, one more elsewhere takes some away', () => {
  const small = fc.double({ min: 0, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(small, small, shares, (canary, other, r) => {
      const base = lnEvidence({ canary, other }, r, 10).lnE1;
      expect(lnEvidence({ canary: canary + 1, other }, r, 10).lnE1).toBeGreaterThan(base - 1e-9);
      expect(lnEvidence({ canary, other: other + 1 }, r, 10).lnE1).toBeLessThan(base + 1e-9);
    }),
  );
});

test('the mean of the next E under the null is the present one: nothing is gained by looking on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 0, max: 200 }),
      shares,
      (canary, other, r) => {
        const now = lnEvidence({ canary, other }, r, 10);
        const hit = lnEvidence({ canary: canary + 1, other }, r, 10);
        const miss = lnEvidence({ canary, other: other + 1 }, r, 10);
        for (const side of ['lnE1', 'lnE2'] as const) {
          const mean = r * Math.exp(hit[side] - now[side]) + (1 - r) * Math.exp(miss[side] - now[side]);
          expect(mean).toBeCloseTo(1, 6);
        }
      },
    ),
  );
});

describe('the interval of the share', () => {
  test('its ends lie where lnE2 crosses ln(1/α)', () => {
    const tally = { canary: 20, other: 40 };
    const r = toleratedShare(0.1, 0.1);
    const [low, high] = shareInterval(tally, r, 10, 0.01);
    const lnE2At = (theta: number) =>
      lnEvidence(tally, r, 10).lnE2 + 20 * Math.log(r / theta) + 40 * Math.log((1 - r) / (1 - theta));
    expect(lnE2At(low)).toBeCloseTo(Math.log(100), 9);
    expect(lnE2At(high)).toBeCloseTo(Math.log(100), 9);
    expect([rateRatio(low, 0.1), rateRatio(high, 0.1)]).toEqual([
      expect.closeTo(1.4594, 2),
      expect.closeTo(12.27, 1),
    ]);
  });

  test('without events nothing is known; with events on one side only that side is bounded', () => {
    expect(shareInterval({ canary: 0, other: 0 }, 0.3, 10, 0.01)).toEqual([0, 1]);
    const [low, high] = shareInterval({ canary: 0, other: 1000 }, 0.3, 10, 0.01);
    expect(low).toBe(0);
    expect(high).toBeLessThan(0.02);
    expect(shareInterval({ canary: 9, other: 0 }, 0.3, 10, 0.01)[1]).toBe(1);
  });

  test('holds the truth and the observed share, and narrows, up to a billion events', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), shares, shares, (total, observed, r) => {
        const [low, high] = shareInterval(
          { canary: total * observed, other: total * (1 - observed) },
          r,
          10,
          0.01,
        );
        expect(low).toBeLessThanOrEqual(observed * (1 + 1e-9));
        expect(high).toBeGreaterThanOrEqual(observed * (1 - 1e-9));
      }),
    );
    const [low, high] = shareInterval({ canary: 5e8, other: 5e8 }, 0.5, 10, 0.01);
    expect(high - low).toBeLessThan(3e-4);
  });
});
