import { systemActor } from '#platform/actor.ts';
import { ConflictError, NotFoundError, PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { type ReadyWave, readyWaves, waveFact } from '#releases/ready-wave.ts';
import type { Progress, Release } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { Fence } from '#releases/release-store.ts';
import { progressAt, type Step, stepBefore, stepsOf } from '#releases/step.ts';
import { isForward } from '#rollout/fence.ts';
import { overtakenBy } from '#rollout/overtaken.ts';
import { type PreparePorts, prepareWave, type Waiting } from '#rollout/prepare.ts';
import { describeRouting, isAlone, isAt } from '#rollout/routing.ts';
import { weightOfStep } from '#rollout/step-weight.ts';
import type { Routing } from '#rollout/traffic-shifter.ts';

export type ShiftPorts = PreparePorts;

/** `fenced`: a restore began, or whether one did can't be read. The caller restores, which raises the fence first. */
type EffectResult = 'done' | 'fenced';

/** Or it is not made yet, because the version can't take its share of traffic: it is to be asked for again. */
export type ShiftResult = EffectResult | Waiting;

type Ready = Release & { readonly ready: readonly ReadyWave[] };

interface Effect {
  readonly wave: ReadyWave;
  /** Names the effect's two records. */
  readonly step: readonly (string | number)[];
  readonly intended: 'release.shift.intended' | 'release.promotion.intended';
  readonly done: 'release.shift.done' | 'release.promotion.done';
  readonly data: Readonly<Record<string, unknown>>;
  readonly progress: Progress;
  readonly isDone: (routing: Routing) => boolean;
  /** What the routing must be for the effect to be this release's to make. */
  readonly isBefore: (routing: Routing) => boolean;
  readonly apply: (revision: string) => Promise<void>;
}

/**
 * The comparison after the effect. A state that can't be read counts as changed. What this call moved is taken back only
 * while a restore is known to be on, and only if nobody wrote since it was read back: this call may be one that everyone
 * has given up, and by then traffic may rightly be elsewhere.
 */
const stillForward = async (
  ports: ShiftPorts,
  releaseId: ReleaseId,
  { target, snapshot }: ReadyWave,
  fence: number,
  after: Routing,
): Promise<boolean> => {
  let present: Fence;
  try {
    present = await ports.releases.readFence(releaseId);
  } catch (error) {
    if (error instanceof TransientError) return false;
    throw error;
  }
  if (isForward(present, fence)) return true;
  if (present.mode === 'restoring')
    await overtakenBy(ports.shifter.restore(target, snapshot.stableVersion, after.revision));
  return false;
};

/**
 * One fenced, recorded, verified effect on traffic:
 * revision read → fence compared (in the write that records the weight) → intent recorded → fence compared → set on
 * the condition of the revision → read back → fence compared once more. The revision is read first, because a restore
 * raises the fence before it writes: whichever comes between, either this write fails or the last comparison sees it.
 */
const effect = async (
  ports: ShiftPorts,
  release: Ready,
  fence: number,
  what: Effect,
): Promise<EffectResult> => {
  const { releaseId } = release;
  const { target } = what.wave;
  const actor = systemActor('rollout');
  const before = await ports.shifter.readRouting(target);
  if (!(await ports.releases.intendStep(releaseId, fence, what.progress))) return 'fenced';
  if (!what.isDone(before) && !what.isBefore(before))
    throw new ConflictError(
      `someone else moved the traffic: ${describeRouting(before)} is not where this release left it`,
    );
  await ports.ledger.append(batchId(release, ...what.step, 'intended'), [
    releaseRecord(what.intended, release, actor, ports.now(), what.data),
  ]);
  if (!isForward(await ports.releases.readFence(releaseId), fence)) return 'fenced';
  const overtaken = what.isDone(before) ? undefined : await overtakenBy(what.apply(before.revision));
  const after = await ports.shifter.readRouting(target);
  if (overtaken !== undefined && !what.isDone(after)) {
    if (!isForward(await ports.releases.readFence(releaseId), fence)) return 'fenced';
    throw overtaken;
  }
  if (!(await stillForward(ports, releaseId, what.wave, fence, after))) return 'fenced';
  if (!what.isDone(after))
    throw new TransientError(`traffic was set but is at ${describeRouting(after)} when read back`);
  await ports.ledger.append(batchId(release, ...what.step, 'done'), [
    releaseRecord(what.done, release, actor, ports.now(), what.data),
  ]);
  return 'done';
};

const ready = async (ports: ShiftPorts, releaseId: ReleaseId): Promise<Ready> => {
  const release = await ports.releases.get(releaseId);
  const waves = release && readyWaves(release);
  if (release === undefined || waves === undefined)
    throw new NotFoundError(`release ${releaseId} has no snapshot; nothing can be moved without one`);
  return { ...release, ready: waves };
};

/**
 * A bake or a watch moves nothing: the wave is at 100 % already, which is read once more, and that the step began is
 * what is recorded.
 */
const beginWatching = async (
  ports: ShiftPorts,
  release: Ready,
  fence: number,
  wave: ReadyWave,
  step: Step,
  progress: Progress,
): Promise<EffectResult> => {
  const { releaseId } = release;
  if (!(await ports.releases.intendStep(releaseId, fence, progress))) return 'fenced';
  const routing = await ports.shifter.readRouting(wave.target);
  const at = { stable: wave.snapshot.stableVersion, canary: wave.version, weightPercent: step.weightPercent };
  if (!isAt(routing, at))
    throw new ConflictError(
      `someone else moved the traffic: ${describeRouting(routing)} is not where this release left it`,
    );
  const seconds = step.rounds * step.roundSeconds;
  await ports.ledger.append(batchId(release, 'step', step.index, 'began'), [
    releaseRecord('release.watch.began', release, systemActor('rollout'), ports.now(), {
      kind: step.kind,
      seconds,
      ...waveFact(release, wave),
    }),
  ]);
  return 'done';
};

/**
 * Brings the canary of a step's wave to the step's weight, once it can take it. Repeating it changes nothing.
 * `preparingSince` is when it was first found that it can't yet (epoch milliseconds).
 * @throws ConflictError when someone else moved the traffic; TransientError when something did not answer;
 * PolicyDeniedError when the version will never be able to take it.
 */
export const shiftToStep = async (
  ports: ShiftPorts,
  releaseId: ReleaseId,
  fence: number,
  index: number,
  preparingSince?: number,
): Promise<ShiftResult> => {
  const release = await ready(ports, releaseId);
  const steps = stepsOf(release);
  const step = steps[index];
  const wave = step && release.ready[step.wave];
  if (step === undefined || wave === undefined)
    throw new NotFoundError(`release ${releaseId} has no step ${index}`);
  const progress = progressAt(release, steps, step);
  if (step.kind === 'bake' || step.kind === 'watch')
    return beginWatching(ports, release, fence, wave, step, progress);
  const before = stepBefore(steps, index, step.wave);
  // A shift is intended only once the version was ready for it. By then it may have been made: to wait for more tasks
  // would leave the canary with its traffic and without a look at it.
  if (release.progress?.step !== index) {
    const what = { step: ['step', index], data: { step: index }, hasTraffic: before !== undefined };
    const prepared = await prepareWave(ports, release, fence, wave, what, preparingSince);
    if (prepared !== 'ready') return prepared;
  }
  const { stage, weightPercent } = step;
  const [weight, weightBefore] = [weightOfStep(wave, step), weightOfStep(wave, before)];
  const { stable, canary } = weight;
  return effect(ports, release, fence, {
    wave,
    step: ['step', index, 'shift'],
    intended: 'release.shift.intended',
    done: 'release.shift.done',
    data: {
      stage,
      ...(step.kind !== 'stage' && { kind: step.kind }),
      ...(step.split && { split: step.split }),
      weightPercent,
      fence,
      stable,
      canary,
      ...waveFact(release, wave),
    },
    progress,
    isDone: (routing) => isAt(routing, weight),
    isBefore: (routing) => isAt(routing, weightBefore),
    apply: (revision) => ports.shifter.setWeight(wave.target, weight, revision),
  });
};

/** Where the release stands while its versions are made the only ones: at its last step, if it has any. */
const promotionProgress = (release: Ready, steps: readonly Step[]): Progress => {
  const last = steps.at(-1);
  if (last !== undefined) return { ...release.progress, ...progressAt(release, steps, last) };
  const wave = release.waves.length - 1;
  return { step: 0, steps: 1, kind: 'stage', wave, stage: 0, stages: 0, weightPercent: 100 };
};

/**
 * Without a step before it nobody has prepared what is promoted. All waves are prepared side by side, and none gets its
 * traffic before all can take it. Once a promotion was intended, they were ready.
 */
const prepareAll = async (
  ports: ShiftPorts,
  release: Ready,
  fence: number,
  since: number | undefined,
): Promise<'ready' | 'fenced' | Waiting> => {
  if (release.progress !== undefined) return 'ready';
  const waitingFor: string[] = [];
  for (const [index, wave] of release.ready.entries()) {
    const what = { step: ['promotion', index], data: {}, hasTraffic: false };
    const prepared = await prepareWave(ports, release, fence, wave, what, since);
    if (prepared === 'fenced') return prepared;
    if (prepared !== 'ready') waitingFor.push(prepared.waitingFor);
  }
  return waitingFor.length === 0 ? 'ready' : { waitingFor: waitingFor.join('; ') };
};

/**
 * Makes the new version the only one in every wave, once all of them can take their traffic, and notes that traffic was
 * verified there. Repeating it changes nothing. `preparingSince` as for a step.
 * @throws as shiftToStep.
 */
export const promoteVersion = async (
  ports: ShiftPorts,
  releaseId: ReleaseId,
  fence: number,
  preparingSince?: number,
): Promise<ShiftResult> => {
  const release = await ready(ports, releaseId);
  if (release.strategy === 'drill') throw new PolicyDeniedError('a drill is never promoted');
  const steps = stepsOf(release);
  const progress = promotionProgress(release, steps);
  if (steps.length === 0) {
    const prepared = await prepareAll(ports, release, fence, preparingSince);
    if (prepared !== 'ready') return prepared;
  }
  for (const [index, wave] of release.ready.entries()) {
    const { version, target, snapshot } = wave;
    const stable = snapshot.stableVersion;
    const weight = weightOfStep(wave, stepBefore(steps, steps.length, index));
    const result = await effect(ports, release, fence, {
      wave,
      step: ['promotion', index],
      intended: 'release.promotion.intended',
      done: 'release.promotion.done',
      data: { fence, stable, canary: version, ...waveFact(release, wave) },
      progress,
      isDone: (routing) => isAlone(routing, version),
      isBefore: (routing) => isAt(routing, weight),
      apply: (revision) => ports.shifter.promote(target, version, revision),
    });
    if (result === 'fenced') return result;
  }
  const noted = await ports.releases.noteVerified(releaseId, { at: 'new', fence, time: ports.now() });
  return noted ? 'done' : 'fenced';
};
