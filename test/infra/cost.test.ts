import { expect, it } from 'vitest';
import { idleMonth } from '../../bench/cost/idle-month.ts';
import { totalOf } from '../../bench/cost/prices.ts';
import { Synthesized } from './synthesized.ts';

it('the team stage costs five dollars at most in a month without a release, and every resource has its price', () => {
  expect(
    totalOf(idleMonth(new Synthesized('team', { alarmEmails: ['a@example.com'] }).resources)),
  ).toBeLessThan(5);
});
