import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './exploration/mutations.ts';
import { exploreScenario, mustHold, type Scenario } from './exploration/scenario.ts';

/** Two stages, all of them ahead. */
const fromTheStart = { weights: [50, 100], from: 0 } as const;
const lastStageAhead = { weights: [50, 100], from: 1 } as const;
/** Everything at the canary, promotion next. */
const beforePromotion = { weights: [50, 100], from: 2 } as const;

describe('whatever the schedule, traffic is where the release says and only there', () => {
  const scenarios: Record<string, Scenario> = {
    'a workflow whose calls fail, whose answers get lost, and that dies': {
      ...fromTheStart,
      actors: ['workflow', 'recover'],
      faults: 2,
      preemptions: 0,
    },
    'an abort at any moment of the rollout': {
      ...fromTheStart,
      actors: ['workflow', 'abort'],
      faults: 0,
      preemptions: 2,
    },
    'an abort, with a failure or a death anywhere': {
      ...lastStageAhead,
      actors: ['workflow', 'abort', 'recover'],
      faults: 1,
      preemptions: 1,
    },
    'two aborts at once': {
      ...beforePromotion,
      actors: ['workflow', 'abort', 'abort-again'],
      faults: 0,
      preemptions: 2,
    },
    "a stage's shift that runs on after its workflow gave it up": {
      ...fromTheStart,
      actors: ['workflow', 'again-shift', 'recover'],
      faults: 1,
      preemptions: 1,
    },
    'a shift given up, and an abort': {
      ...lastStageAhead,
      actors: ['workflow', 'abort', 'again-shift'],
      faults: 0,
      preemptions: 2,
    },
    'a promotion that runs twice, with a failure or a death anywhere': {
      ...beforePromotion,
      actors: ['workflow', 'again-promote', 'recover'],
      faults: 1,
      preemptions: 2,
    },
    'a promotion that runs twice, and an abort': {
      ...beforePromotion,
      actors: ['workflow', 'again-promote', 'abort'],
      faults: 0,
      preemptions: 2,
    },
    'an abort that is still at work when the next release rolls out': {
      ...fromTheStart,
      actors: ['workflow', 'abort', 'next-release'],
      faults: 0,
      preemptions: 1,
    },
  };
  for (const [name, scenario] of Object.entries(scenarios))
    it(name, { timeout: 60_000 }, async () => {
      expect(await mustHold(scenario)).toBeGreaterThan(10);
    });
});

/**
 * Each promise the fence rests on is broken alone: if no schedule goes wrong without it, either the exploration is blind or
 * the promise isn't needed.
 */
describe('exploring notices', () => {
  const aborted: Scenario = {
    ...fromTheStart,
    actors: ['workflow', 'abort'],
    faults: 0,
    preemptions: 2,
  };
  const scenarios: Record<keyof typeof MUTATIONS, Scenario> = {
    'a fence that always reads as forward': aborted,
    'an intent that is recorded whatever the fence says': aborted,
    'an intent that is recorded below a higher one': { ...aborted, actors: ['workflow', 'again-shift'] },
    'a restore that does not raise the fence': aborted,
    'a verification that counts at any fence': {
      ...aborted,
      ...beforePromotion,
      actors: ['workflow', 'again-promote', 'abort'],
    },
    'a decision without verified traffic': aborted,
    'a promotion decided after a restore began': aborted,
    'a shifter that takes writes with an old revision': aborted,
    'a restore that writes over whatever is there': {
      ...aborted,
      actors: ['workflow', 'abort', 'next-release'],
    },
    'a restore that leaves the revision of what is in place already': aborted,
  };
  for (const name of Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[])
    it(name, { timeout: 60_000 }, async () => {
      const { violation } = await exploreScenario({ ...scenarios[name], mutation: MUTATIONS[name] });
      expect(violation?.error.name).toMatch(/^INV-/);
    });
});
