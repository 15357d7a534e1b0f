import { describe, expect, it } from 'vitest';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { settleTail, unsettledOf, withTail } from '#rollout/stage-tail.ts';
import { NOW_MS } from '../builders/release.ts';

const at = (seconds: number) => NOW_MS + seconds * 1_000;
const served = (seconds: number, errors = 0): PeriodFacts => ({
  start: at(seconds),
  facts: { canary: { requests: 10, errors }, baseline: { requests: 90, errors: 1 } },
});
const window = { from: at(0), to: at(20) };
/** At 47 s, of data that settles after 25 s, in periods of 10 s. */
const tail = unsettledOf([served(0), served(10, 2)], window, at(47), 10);

describe('what a step leaves to settle', () => {
  it('is what had settled, and the whole periods since, up to the decision', () => {
    expect(tail).toEqual({
      settled: { canary: { requests: 20, errors: 2 }, baseline: { requests: 180, errors: 2 } },
      from: at(20),
      to: at(40),
    });
  });

  it('is nothing where everything has settled', () => {
    expect(unsettledOf([served(0), served(10)], window, at(29), 10)).toBeUndefined();
  });

  it('is all of a step of which nothing had settled', () => {
    expect(unsettledOf([], { from: at(0), to: at(0) }, at(47), 10)).toEqual({
      settled: {},
      from: at(0),
      to: at(40),
    });
    expect(unsettledOf([], { from: at(60), to: at(60) }, at(47), 10)).toBeUndefined();
  });
});

it('is read before the periods of the step that follows', () => {
  expect(withTail({ from: at(50), to: at(70) }, tail)).toEqual({ from: at(20), to: at(70) });
  expect(withTail({ from: at(50), to: at(70) }, undefined)).toEqual({ from: at(50), to: at(70) });
});

describe('a step after it was passed', () => {
  const periods = [served(20, 1), served(30, 1), served(40, 5), served(50, 5)];
  const open = tail ?? { settled: {}, from: 0, to: 0 };
  const at30 = settleTail(open, periods, at(30));

  it('is known as far as it has settled, and never beyond its own end', () => {
    expect(at30.known?.canary).toEqual({ requests: 30, errors: 3 });
    expect(settleTail(at30, periods, at(40)).known?.canary).toEqual({ requests: 40, errors: 4 });
    expect(settleTail(open, periods, at(60)).known).toEqual({
      canary: { requests: 40, errors: 4 },
      baseline: { requests: 360, errors: 4 },
    });
  });

  it('is not read again once all of it is known, and stays known', () => {
    const whole = settleTail(at30, periods, at(45));
    expect(withTail({ from: at(50), to: at(70) }, at30).from).toBe(at(20));
    expect(withTail({ from: at(50), to: at(70) }, whole).from).toBe(at(50));
    expect(settleTail(whole, [served(50, 5)], at(90))).toEqual(whole);
  });

  it('tells nothing new before anything settles, or of a source that is silent', () => {
    expect(settleTail(open, periods, at(20))).toEqual(open);
    expect(settleTail(open, [served(40, 5)], at(60))).toEqual(open);
    expect(settleTail(at30, [], at(60))).toEqual(at30);
  });
});
