import { describe, expect, it } from 'vitest';
import { duration, instant, wholeNumber } from '../../cli/input.ts';

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['10m', 600],
    ['1h30m', 5_400],
    ['2d', 172_800],
  ])('%s is %i seconds', (text, seconds) => {
    expect(duration(text)).toBe(seconds);
  });

  it.each(['', '10', 'm', '10 m', '-5m', '1.5h', '10m!', 'soon'])('is not %j', (text) => {
    expect(() => duration(text)).toThrow(/90s, 10m or 1h30m/);
  });
});

it.each(['', '1.5', '-1', '1e3', 'ten', '0x10'])('%j is no whole number', (text) => {
  expect(() => wholeNumber(text)).toThrow(/whole number/);
});

describe('an instant', () => {
  it('is as RFC 3339 says it, or how long from now', () => {
    expect(instant('2026-12-27T08:00:00+01:00')).toBe('2026-12-27T08:00:00+01:00');
    expect(instant('2h', Date.parse('2026-03-01T12:00:00Z'))).toBe('2026-03-01T14:00:00.000Z');
  });

  it.each(['tomorrow', '2026-12-27', '2026-12-27T08:00:00', '2026-13-27T08:00:00Z', ''])(
    'is not %j, which could mean several',
    (text) => {
      expect(() => instant(text)).toThrow(/2026-12-24T18:00:00\+01:00/);
    },
  );
});
