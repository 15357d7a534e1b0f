import { describe, expect, it } from 'vitest';
import type { Target } from '#policy/target.ts';
import { permittedTargets } from '#rollout/permitted-targets.ts';
import { albTarget, LISTENER_ARN, RULE_ARN } from '../builders/alb.ts';
import { CANARY, checkoutTarget, STABLE } from '../builders/release.ts';
import { memoryShifter } from '../fakes/memory-shifter.ts';

const shifter = memoryShifter({ versions: [STABLE, CANARY] });
const inspect = (albRules: readonly string[], target: Target) =>
  permittedTargets(shifter, { albRules }).inspect(target, CANARY);

describe('a target that the stage may not move', () => {
  it('is refused before anything moves, and the setting is named', async () => {
    for (const rules of [[], [LISTENER_ARN]])
      expect(await inspect(rules, albTarget)).toMatchObject({
        kind: 'unfit',
        code: 'not-permitted',
        text: expect.stringMatching(/albRules/),
      });
    expect(await inspect([LISTENER_ARN, RULE_ARN], albTarget)).toMatchObject({ kind: 'fit' });
  });

  it('is left to AWS to refuse where reading it already needs the grant', async () => {
    expect(await inspect([], checkoutTarget)).toMatchObject({ kind: 'fit' });
  });
});
