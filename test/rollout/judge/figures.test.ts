import { expect, test } from 'vitest';
import {
  evidenceText,
  millisecondsText,
  numberText,
  percentText,
  ratioText,
} from '#rollout/judge/figures.ts';

test.each([
  [percentText(0.1), '10 %'],
  [percentText(0.00034), '0.034 %'],
  [percentText(0.99999), '> 99.9 %'],
  [percentText(1), '100 %'],
  [numberText(1234567.5), '1 234 567.5'],
  [numberText(0.0004), '0'],
  [evidenceText(Math.log(4319)), '4 300'],
  [evidenceText(Math.log(0.034)), '0.034'],
  [evidenceText(5e7), '10^21714724'],
  [ratioText(6), '6.0'],
  [ratioText(9.96), '10'],
  [ratioText(1234), '1 234'],
  [millisecondsText(110.04), '110 ms'],
])('%s', (text, expected) => {
  expect(text).toBe(expected);
});
