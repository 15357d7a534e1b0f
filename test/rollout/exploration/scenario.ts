import { promoteVersion, shiftToStep } from '#rollout/shift.ts';
import { type ControlPlane, type Mutation, newControlPlane } from './control-plane.ts';
import { type Explored, explore, scheduleText } from './explore.ts';
import { Watch } from './invariants.ts';
import { abort, nextRelease, portsOf, recover, workflow } from './processes.ts';
import type { Fate, Scheduler } from './scheduler.ts';

/** What may be going on at once. `again-…` is the same step's other invocation, which nobody waits for any more. */
export type Actor =
  | 'workflow'
  | 'abort'
  | 'abort-again'
  | 'recover'
  | 'again-shift'
  | 'again-promote'
  | 'next-release';

export interface Scenario {
  readonly weights: readonly number[];
  /** The stage at which everything begins; those before it are behind. */
  readonly from: number;
  readonly actors: readonly Actor[];
  readonly faults: number;
  readonly preemptions: number;
  readonly mutation?: Mutation;
}

/**
 * Where a fault makes a difference. A read has no effect, so that its lost answer is no answer, and dying before it is
 * dying before the next write; a record that was not taken is tried again, one whose answer was lost must be the same again.
 */
const fatesOf = (call: string): readonly Fate[] => {
  if (call.startsWith('(')) return [];
  if (/\.(get|read)/.test(call)) return ['fail-before'];
  if (/^(ledger|spool)/.test(call)) return ['fail-after'];
  return ['fail-before', 'fail-after', 'die'];
};

const spawn = (
  scheduler: Scheduler,
  actor: Actor,
  plane: ControlPlane,
  { from, mutation = {} }: Scenario,
): void => {
  const ports = portsOf(scheduler, actor, plane, mutation);
  const { releaseId } = plane.release;
  const workflowIsGone = () => scheduler.stateOf('workflow') !== 'alive';
  const bodies: Record<Actor, () => Promise<unknown>> = {
    workflow: () => workflow(ports, plane, from),
    abort: () => abort(ports, plane),
    'abort-again': () => abort(ports, plane),
    'again-shift': () => shiftToStep(ports, releaseId, 1, from),
    'again-promote': () => promoteVersion(ports, releaseId, 1),
    'next-release': async () => {
      const { service, environment } = plane.release;
      const isFree = () => plane.releases.lockOf(service, environment) === undefined;
      await scheduler.until('next-release', '(the lock is free)', isFree);
      await nextRelease(ports, plane);
    },
    recover: async () => {
      await scheduler.until('recover', '(the workflow is gone)', workflowIsGone);
      await recover(ports, plane);
    },
  };
  scheduler.spawn(actor, async () => {
    // Let the scheduler know of the process before its first call.
    await Promise.resolve();
    await bodies[actor]();
  });
};

export const exploreScenario = (scenario: Scenario): Promise<Explored> =>
  explore({
    faults: scenario.faults,
    preemptions: scenario.preemptions,
    fates: fatesOf,
    // Batches of the ledger are told apart by their ids. All that is decided from what is in it is that an abort which is
    // told of after the end is none; here it goes on, which must do no harm either.
    isUnnoticed: (call) => /^(ledger|spool)/.test(call),
    world: async (scheduler) => {
      const plane = await newControlPlane(scenario.weights, scenario.mutation ?? {});
      const direct = { ...plane, now: () => plane.release.requestedAt };
      for (let stage = 0; stage < scenario.from; stage += 1)
        await shiftToStep(direct, plane.release.releaseId, 1, stage);
      const watch = new Watch(plane);
      for (const actor of scenario.actors) spawn(scheduler, actor, plane, scenario);
      return {
        place: () => [
          plane.releases.peek(plane.release.releaseId),
          plane.releases.peek(plane.nextReleaseId),
          plane.releases.lockOf(plane.release.service, plane.release.environment),
          plane.shifter.routing(),
          plane.ledger.place(),
        ],
        observe: (step) => watch.afterStep(step),
        settle: async () => {
          const ports = { ...direct, spool: plane.ledger, onTrouble: () => undefined };
          await recover(ports, plane);
          watch.afterStep({ process: '(last recovery)', call: '', fate: 'go' });
          watch.atTheEnd();
        },
      };
    },
  });

/** Fails with the schedule that broke an invariant, so that it can be read. */
export const mustHold = async (scenario: Scenario): Promise<number> => {
  const { runs, violation } = await exploreScenario(scenario);
  if (violation === undefined) return runs;
  throw new Error(`${violation.error.stack}\nafter:\n${scheduleText(violation.steps)}`);
};
