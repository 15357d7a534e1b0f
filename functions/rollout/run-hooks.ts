import type { LedgerWriter } from '#ledger/append.ts';
import { systemActor } from '#platform/actor.ts';
import { ConflictError, NotFoundError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { waveFact } from '#releases/ready-wave.ts';
import type { Reason, Release, Wave } from '#releases/release.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { isForward } from '#rollout/fence.ts';
import { askHooks, type HookCaller, type HookEnded, type HookState } from '#rollout/hooks.ts';
import { HOOK_ENDED } from '#rollout/look-records.ts';

export interface RunHooksPorts {
  readonly releases: ReleaseStore;
  readonly ledger: LedgerWriter;
  readonly caller: HookCaller;
  readonly now: () => string;
}

export interface HooksRun {
  readonly result: 'passed' | 'pending' | 'failed' | 'fenced';
  readonly state: HookState;
  readonly reasons: Reason[];
}

/** An earlier try that was cut off may have told this result in the hook's other words; once is enough. */
const tellEnded = async (
  { ledger }: RunHooksPorts,
  release: Release,
  at: 'before-traffic' | 'after-promotion',
  wave: Wave,
  { hook, result, text }: HookEnded,
  now: string,
): Promise<void> => {
  const { name, onFailure } = hook;
  const data = { hook: name, at, text, onFailure, ...waveFact(release, wave) };
  try {
    await ledger.append(batchId(release, 'hook', at, wave.name, name, result), [
      releaseRecord(HOOK_ENDED[result], release, systemActor('run-hooks'), now, data),
    ]);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
};

/**
 * Asks, in every wave, the hooks of a point at which no traffic is judged, once: the workflow comes again while one is
 * pending. What came to its end is recorded before it counts.
 */
export const runHooks = async (
  ports: RunHooksPorts,
  releaseId: ReleaseId,
  fence: number,
  at: 'before-traffic' | 'after-promotion',
  state: HookState,
): Promise<HooksRun> => {
  const release = await ports.releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  if (!isForward(release, fence)) return { result: 'fenced', state, reasons: [] };
  const now = ports.now();
  const asked = await Promise.all(
    release.waves.map(async (wave) => ({
      wave,
      ...(await askHooks(ports.caller, release, wave, at, state, now)),
    })),
  );
  for (const { wave, ended } of asked)
    for (const one of ended) await tellEnded(ports, release, at, wave, one, now);
  const reasons = asked.flatMap(({ failed }) => [...failed]);
  const isPending = asked.some(({ pending }) => pending.length > 0);
  const result = reasons.length > 0 ? 'failed' : isPending ? 'pending' : 'passed';
  return { result, state: Object.assign({}, ...asked.map((one) => one.state)) as HookState, reasons };
};
