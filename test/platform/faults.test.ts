import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { InvalidRequestError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';

const faultsFor = (schema: z.ZodType, value: unknown) => {
  try {
    parseOrRefuse(schema, value, 'it');
    return [];
  } catch (error) {
    return error instanceof InvalidRequestError ? error.faults : expect.fail(String(error));
  }
};

const step = z.strictObject({ weight: z.int() });
const schema = z.strictObject({
  plan: z.union([z.enum(['fast', 'slow']), z.strictObject({ steps: z.array(step) })]),
  places: z.record(z.string().regex(/^[a-z]+$/, 'must be lower-case letters'), z.int()).optional(),
});

describe('the faults of what was sent', () => {
  it.each([
    ['a missing field', {}, 'plan'],
    ['an unknown key, by its own name', { plan: 'fast', colour: 1 }, 'colour'],
    [
      'a wrong field inside one of several forms',
      { plan: { steps: [{ weight: 1 }, { weight: 'x' }] } },
      'plan.steps.1.weight',
    ],
    ['an unknown key inside one of several forms', { plan: { steps: [], x: 1 } }, 'plan.x'],
    ['a wrong key of a map', { plan: 'fast', places: { 'B AD': 1 } }, 'places.B AD'],
  ])('name %s', (_, value, path) => {
    expect(faultsFor(schema, value).map((fault) => fault.path)).toEqual([path]);
  });

  it('say what would be right, for a value of none of several forms and for a key', () => {
    expect(faultsFor(schema, { plan: 'warp' })).toEqual([
      { path: 'plan', message: expect.stringMatching(/"fast"\|"slow".* or .*object/) },
    ]);
    expect(faultsFor(schema, { plan: 'fast', places: { A: 1 } })).toEqual([
      { path: 'places.A', message: 'must be lower-case letters' },
    ]);
  });
});
