import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf } from '#policy/plan.ts';
import { idleMonth } from '../../bench/cost/idle-month.ts';
import { totalOf } from '../../bench/cost/prices.ts';
import { countRelease } from '../../bench/cost/standard-release.ts';
import { ROOT, Synthesized } from './synthesized.ts';

const idle = totalOf(idleMonth(new Synthesized('team').resources));

describe('the team stage', () => {
  it('costs five and three quarters of a dollar at most in a month without a release, and every resource has its price', () => {
    expect(idle).toBeLessThan(5.75);
  });

  it('costs no more by mail', () => {
    const { resources } = new Synthesized('team', { alarmEmails: ['a@example.com'] });
    expect(totalOf(idleMonth(resources))).toBe(idle);
  });
});

describe('the README', () => {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const figure = (pattern: RegExp): number =>
    Number(pattern.exec(readme)?.[1] ?? expect.fail(`no ${pattern}`));

  it('says what it costs, to a tenth: npm run bench -- cost', () => {
    for (const plan of ['standard', 'rapid'] as const) {
      const cents = figure(new RegExp(`by plan \`${plan}\`[^|]*\\| ([\\d.]+) ¢`));
      expect(Math.abs(cents - 100 * totalOf(countRelease(planOf(plan)).usage)), plan).toBeLessThan(0.1);
    }
    expect(Math.abs(figure(/a month without a release \| \$([\d.]+)/) - idle)).toBeLessThan(0.1);
  });
});
