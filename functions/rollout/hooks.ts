import * as z from 'zod';
import { SluiceError } from '#platform/errors.ts';
import type { HookDefinition } from '#policy/hook-schema.ts';
import type { Reason, Release, Wave } from '#releases/release.ts';
import type { HookAnswer, HookRequest } from '#rollout/hook-protocol.ts';

/** What is known of hooks at one point of a release, by the names of wave and hook. */
export const hookStateSchema = z.record(
  z.string(),
  z.strictObject({ since: z.iso.datetime(), result: z.enum(['passed', 'failed', 'pending']) }),
);
export type HookState = z.infer<typeof hookStateSchema>;

export interface HookCaller {
  /** @throws TransientError for no answer, or one that is none. */
  call(hook: HookDefinition, request: HookRequest): Promise<HookAnswer>;
}

/** One that has come to its end in this asking. */
export interface HookEnded {
  readonly hook: HookDefinition;
  readonly result: 'passed' | 'failed';
  readonly text: string;
}

export interface HooksAsked {
  readonly state: HookState;
  readonly ended: readonly HookEnded[];
  /** Names of those that are still waited for. */
  readonly pending: readonly string[];
  /** Failures that stop or restore; those that only get told are in `ended`. */
  readonly failed: readonly Reason[];
}

export const NO_HOOKS: HooksAsked = { state: {}, ended: [], pending: [], failed: [] };

export type HookPoint = 'before-traffic' | 'after-promotion' | { readonly stage: number };

const isAt = ({ at }: HookDefinition, point: HookPoint): boolean =>
  typeof at === 'object' && typeof point === 'object' ? at.stage === point.stage : at === point;

export const hooksAt = (
  { hooks = [] }: Pick<Release, 'hooks'>,
  point: HookPoint,
): readonly HookDefinition[] => hooks.filter((hook) => isAt(hook, point));

const keyOf = ({ name }: Pick<Wave, 'name'>, hook: HookDefinition): string => `${name}/${hook.name}`;

const pointName = (point: HookPoint): string => (typeof point === 'object' ? `stage-${point.stage}` : point);

const requestFor = (release: Release, wave: Wave, hook: HookDefinition, at: HookPoint): HookRequest => ({
  protocol: 1,
  hook: hook.name,
  idempotencyKey: [release.releaseId, hook.name, wave.name, pointName(at)].join('/'),
  releaseId: release.releaseId,
  service: release.service,
  environment: release.environment,
  version: wave.version,
  wave: wave.name,
  at,
  parameters: hook.parameters,
});

interface One {
  readonly since: string;
  readonly result: 'passed' | 'failed' | 'pending';
  readonly ended?: HookEnded;
}

const askOne = async (
  caller: HookCaller,
  hook: HookDefinition,
  request: HookRequest,
  known: HookState[string] | undefined,
  now: string,
): Promise<One> => {
  if (known !== undefined && known.result !== 'pending') return known;
  const since = known?.since ?? now;
  const ended = (result: 'passed' | 'failed', text: string): One => ({
    since,
    result,
    ended: { hook, result, text },
  });
  let said: string;
  try {
    const { result, text } = await caller.call(hook, request);
    if (result === 'passed') return ended('passed', text ?? 'passed');
    if (result === 'failed') return ended('failed', text ?? 'gave no reason');
    said = text ?? 'is not done';
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'transient') throw error;
    said = error.message;
  }
  const seconds = (Date.parse(now) - Date.parse(since)) / 1_000;
  return seconds >= hook.timeoutSeconds
    ? ended('failed', `not done within ${hook.timeoutSeconds} s; last: ${said}`)
    : { since, result: 'pending' };
};

/**
 * Asks every hook of one point that has not ended yet, side by side. A hook that is not reached, throws or answers
 * anything else is asked again until its time is over: only a clear answer lets a release go on.
 */
export const askHooks = async (
  caller: HookCaller,
  release: Release,
  wave: Wave,
  point: HookPoint,
  state: HookState,
  now: string,
): Promise<HooksAsked> => {
  const due = hooksAt(release, point);
  const asked = await Promise.all(
    due.map(async (hook) => ({
      hook,
      ...(await askOne(caller, hook, requestFor(release, wave, hook, point), state[keyOf(wave, hook)], now)),
    })),
  );
  return {
    state: Object.fromEntries(asked.map(({ hook, since, result }) => [keyOf(wave, hook), { since, result }])),
    ended: asked.flatMap(({ ended }) => ended ?? []),
    pending: asked.filter(({ result }) => result === 'pending').map(({ hook }) => hook.name),
    failed: asked
      .filter(({ hook, result }) => result === 'failed' && hook.onFailure === 'restore')
      .map(({ hook, ended }) => ({
        code: 'hook-failed',
        text: `hook ${hook.name} failed: ${ended?.text ?? 'earlier'}`,
        facts: { hook: hook.name },
      })),
  };
};
