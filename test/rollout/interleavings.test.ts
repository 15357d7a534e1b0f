import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './exploration/mutations.ts';
import { exploreScenario, mustHold, type Scenario } from './exploration/scenario.ts';

/** Two stages, all of them ahead. */
const fromTheStart = { weights: [50, 100], from: 0 } as const;
const lastStageAhead = { weights: [50, 100], from: 1 } as const;
/** Everything at the canary, promotion next. */
const beforePromotion = { weights: [50, 100], from: 2 } as const;

/** 100 % in the first wave, a bake, 100 % in the second, a watch, promotion. */
const twoWaves = { weights: [100], waves: 2 } as const;
const beforeSecondWave = { ...twoWaves, from: 2 } as const;
const beforePromotionOfBoth = { ...twoWaves, from: 4 } as const;

/** A release without steps: its version is promoted when it is ready for all traffic. */
const rollback = { weights: [], from: 0 } as const;
/** The same of two ECS services: tasks are started before and given back after. */
const ofEcs = { ...rollback, isEcs: true } as const;
const ofEcsPromoted = { ...ofEcs, from: 1 } as const;

/** Nobody but an abort looks after a shift that its workflow gave up. */
const loose: Scenario = {
  ...lastStageAhead,
  isLoose: true,
  actors: ['abort', 'again-shift'],
  faults: 0,
  preemptions: 3,
};

const withNext = ['workflow', 'workflow-2'] as const;

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
    'an abort, and a shift given up whose write arrives late': loose,
    'an abort at any moment of two waves': {
      ...twoWaves,
      from: 0,
      actors: ['workflow', 'abort'],
      faults: 0,
      preemptions: 2,
    },
    'a bake, a second wave and a watch that fail and die': {
      ...beforeSecondWave,
      actors: ['workflow', 'recover'],
      faults: 2,
      preemptions: 0,
    },
    "a second wave's shift that runs on, and an abort": {
      ...beforeSecondWave,
      actors: ['workflow', 'abort', 'again-shift'],
      faults: 0,
      preemptions: 1,
    },
    'an abort of two waves, with a failure or a death anywhere': {
      ...beforePromotionOfBoth,
      actors: ['workflow', 'abort', 'recover'],
      faults: 1,
      preemptions: 1,
    },
    'a rollback of two waves that fails and dies': {
      ...rollback,
      waves: 2,
      actors: ['workflow', 'recover'],
      faults: 2,
      preemptions: 0,
    },
    'a rollback of two waves, and an abort': {
      ...rollback,
      waves: 2,
      actors: ['workflow', 'abort'],
      faults: 0,
      preemptions: 2,
    },
    'a release that is superseded at any moment': {
      ...fromTheStart,
      actors: [...withNext, 'supersede', 'sweep'],
      faults: 0,
      preemptions: 2,
    },
    'a release that is superseded, with a failure or a death anywhere': {
      ...lastStageAhead,
      actors: [...withNext, 'supersede', 'sweep'],
      faults: 1,
      preemptions: 0,
    },
    'an abort that is still at work when the next release rolls out': {
      ...lastStageAhead,
      actors: [...withNext, 'abort', 'next-release'],
      faults: 0,
      preemptions: 2,
    },
    'an abort and a shift that are still at work when the same version is tried again': {
      ...lastStageAhead,
      actors: [...withNext, 'abort', 'again-shift', 'retry'],
      faults: 0,
      preemptions: 1,
    },
    'tasks that are started for a rollback, and an abort': {
      ...ofEcs,
      actors: ['workflow', 'abort'],
      faults: 0,
      preemptions: 1,
    },
    'tasks that are started for a rollback that fails and dies': {
      ...ofEcs,
      actors: ['workflow', 'recover'],
      faults: 1,
      preemptions: 0,
    },
    'tasks that are given back after a promotion, and an abort, with a failure or a death anywhere': {
      ...ofEcsPromoted,
      actors: ['workflow', 'abort', 'recover'],
      faults: 1,
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
  const followed: Scenario = { ...aborted, actors: [...withNext, 'abort', 'next-release'] };
  const scenarios: Record<keyof typeof MUTATIONS, Scenario> = {
    'a fence that always reads as forward': aborted,
    'no comparison right before an effect': aborted,
    'no comparison right after an effect': loose,
    'no comparison right before a preparation is told': { ...aborted, ...ofEcs },
    'a restore that does not look whether the release has ended': followed,
    'an intent that is recorded whatever the fence says': aborted,
    'an intent that is recorded below a higher one': { ...aborted, actors: ['workflow', 'again-shift'] },
    'an intent that does not say in which wave': { ...aborted, ...beforeSecondWave },
    'a restore that does not raise the fence': aborted,
    'a verification that counts at any fence': {
      ...aborted,
      ...beforePromotion,
      actors: ['workflow', 'again-promote', 'abort'],
    },
    'a decision without verified traffic': aborted,
    'a promotion decided after a restore began': aborted,
    'a turn that comes before the lock is free': {
      ...aborted,
      actors: [...withNext, 'supersede', 'sweep'],
    },
    'a shifter that takes writes with an old revision': aborted,
    'a restore that writes over whatever is there': followed,
    'a restore that leaves the revision of what is in place already': aborted,
    'tasks that are given back without asking first': { ...aborted, ...ofEcsPromoted },
    'tasks that are given back without asking again': { ...aborted, ...ofEcsPromoted, preemptions: 3 },
    'tasks that are started without asking': { ...aborted, ...ofEcs },
  };
  for (const name of Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[])
    it(name, { timeout: 60_000 }, async () => {
      const { violation } = await exploreScenario({ ...scenarios[name], mutation: MUTATIONS[name] });
      expect(violation?.error.name).toMatch(/^INV-/);
    });
});
