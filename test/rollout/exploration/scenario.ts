import type { ReleaseId } from '#platform/ids.ts';
import { advanceWaiting } from '#releases/advance-waiting.ts';
import { executionName } from '#releases/launch-release.ts';
import type { Release } from '#releases/release.ts';
import { stepsOf } from '#releases/step.ts';
import { promoteVersion, shiftToStep } from '#rollout/shift.ts';
import { NOW, releaseIdOf } from '../../builders/release.ts';
import { type ControlPlane, type Mutation, newControlPlane, releaseOf, type Shape } from './control-plane.ts';
import { type Explored, explore, scheduleText } from './explore.ts';
import { Watch } from './invariants.ts';
import {
  abort,
  askForNext,
  directPorts,
  portsOf,
  recover,
  retry,
  supersede,
  sweep,
  wholeWorkflow,
  workflow,
} from './processes.ts';
import { type Fate, MAIN, type Scheduler } from './scheduler.ts';

/**
 * What may be going on at once. `again-…` is the same step's other invocation, which nobody waits for any more;
 * `workflow-2` is that of the release that comes after.
 */
export type Actor =
  | 'workflow'
  | 'abort'
  | 'abort-again'
  | 'recover'
  | 'again-shift'
  | 'again-promote'
  | 'next-release'
  | 'retry'
  | 'supersede'
  | 'sweep'
  | 'workflow-2';

export interface Scenario extends Shape {
  /** The step at which everything begins; those before it are behind. */
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
  if (/\.(get|read|open|status)/.test(call)) return ['fail-before'];
  if (/^(ledger|spool)/.test(call)) return ['fail-after'];
  return ['fail-before', 'fail-after', 'die'];
};

const NEXT_ID = releaseIdOf(2);
const workflowOf = (release: Pick<Release, 'releaseId' | 'attempt'>): string =>
  `release/${executionName(release)}`;
const isLaunched = ({ executions }: ControlPlane, releaseId: ReleaseId): boolean =>
  executions.started.includes(workflowOf({ releaseId, attempt: 1 }));

const spawn = (scheduler: Scheduler, actor: Actor, plane: ControlPlane, scenario: Scenario): void => {
  const { from, faults, isEcs, mutation = {} } = scenario;
  // When tasks are changed is told from when it was told before.
  const ports = portsOf(scheduler, actor, plane, mutation, faults > 0 || isEcs === true);
  const { releaseId, service, environment } = plane.release;
  const waitsFor = (what: string, isSo: () => boolean) => scheduler.until(actor, `(${what})`, isSo);
  const isFree = () => plane.releases.lockOf(service, environment) === undefined;
  const workflowIsGone = () => scheduler.stateOf('workflow') !== 'alive';
  const bodies: Record<Actor, () => Promise<unknown>> = {
    workflow: () => workflow(ports, plane.release, from),
    abort: () => abort(ports, plane),
    'abort-again': () => abort(ports, plane),
    'again-shift': () => shiftToStep(ports, releaseId, 1, from, Date.parse(NOW)),
    'again-promote': () => promoteVersion(ports, releaseId, 1, Date.parse(NOW)),
    'next-release': async () => {
      await waitsFor('the lock is free', isFree);
      await askForNext(ports, scenario);
    },
    retry: async () => {
      await waitsFor('the lock is free', isFree);
      await retry(ports, scenario, plane);
    },
    supersede: () => supersede(ports, scenario),
    sweep: async () => {
      await waitsFor(
        'somebody waits and may go',
        () => isFree() && plane.releases.peek(NEXT_ID)?.waiting === true,
      );
      await sweep(ports);
    },
    'workflow-2': async () => {
      await waitsFor('it is launched', () => isLaunched(plane, NEXT_ID));
      await wholeWorkflow(ports, NEXT_ID);
    },
    recover: async () => {
      await waitsFor('the workflow is gone', workflowIsGone);
      await recover(ports, releaseId);
    },
  };
  scheduler.spawn(actor, bodies[actor]);
};

/** What the sweep comes to in the end, for everything that somebody left undone. */
const finish = async (plane: ControlPlane, scheduler: Scheduler, watch: Watch): Promise<void> => {
  const ports = directPorts(plane);
  for (let round = 0; round < 6; round += 1)
    for (const { releaseId } of await plane.releases.open()) {
      const release = plane.releases.peek(releaseId);
      if (release === undefined || release.concludedAt !== undefined) continue;
      const isBegun = releaseId !== NEXT_ID || scheduler.stateOf('workflow-2') !== 'alive';
      if (release.waiting && release.mode === 'forward') await advanceWaiting(ports, release);
      else if (release.mode === 'forward' && !isBegun && !release.snapshots)
        await wholeWorkflow(ports, releaseId);
      else await recover(ports, releaseId);
      watch.afterStep({ process: '(the last sweep)', call: '', branch: MAIN, madeAt: 0, fate: 'go' });
    }
};

/** One release after the other, up to the step where everything begins. */
const begin = async (plane: ControlPlane, { from }: Scenario): Promise<void> => {
  const { releaseId, attempt } = plane.release;
  const ports = directPorts(plane);
  await plane.executions.start('release', executionName({ releaseId, attempt }), {});
  for (let step = 0; step < from; step += 1) {
    const isLast = step === stepsOf(plane.release).length;
    const since = Date.parse(NOW);
    for (let result: unknown; result !== 'done'; )
      result = await (isLast
        ? promoteVersion(ports, releaseId, 1, since)
        : shiftToStep(ports, releaseId, 1, step, since));
  }
};

export const exploreScenario = (scenario: Scenario): Promise<Explored> => {
  const release = releaseOf(scenario);
  return explore({
    faults: scenario.faults,
    preemptions: scenario.preemptions,
    fates: fatesOf,
    // Batches of the ledger are told apart by their ids. All that is decided from what is in it is that an abort which is
    // told of after the end is none; here it goes on, which must do no harm either.
    isUnnoticed: (call) => /^(ledger|spool)/.test(call),
    world: async (scheduler) => {
      const plane = await newControlPlane(scenario, release, scenario.mutation ?? {});
      await begin(plane, scenario);
      const watch = new Watch(plane);
      for (const actor of scenario.actors) spawn(scheduler, actor, plane, scenario);
      return {
        place: () => [
          plane.releases.peek(release.releaseId),
          plane.releases.peek(NEXT_ID),
          plane.releases.lockOf(release.service, release.environment),
          plane.executions.started.join(' '),
          ...plane.routings(),
          plane.ecs?.place(),
          plane.ledger.place(),
          watch.place(scheduler.waiting()),
        ],
        observe: (step) => watch.afterStep(step),
        settle: async () => {
          watch.whenQuiet();
          await finish(plane, scheduler, watch);
          watch.atTheEnd();
        },
      };
    },
  });
};

/** Fails with the schedule that broke an invariant, so that it can be read. */
export const mustHold = async (scenario: Scenario): Promise<number> => {
  const { runs, violation } = await exploreScenario(scenario);
  if (violation === undefined) return runs;
  throw new Error(`${violation.error.stack}\nafter:\n${scheduleText(violation.steps)}`);
};
