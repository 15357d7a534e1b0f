import type { Release } from '#releases/release.ts';
import type { MayWrite } from '#rollout/traffic-shifter.ts';
import { hooked } from '../../fakes/hooked.ts';
import type { MemoryReleases } from '../../fakes/memory-releases.ts';
import type { Mutation, Ports } from './control-plane.ts';

/** Promises of the ports that the fence rests on, and comparisons with it, each broken alone. */
export const MUTATIONS = {
  'a fence that always reads as forward': {
    releases: () => ({ readFence: async () => ({ mode: 'forward', fence: 1 }) }),
  },
  'no comparison right before an effect': {
    ports: (honest) => withoutFenceRead(honest, (last) => last === 'append'),
  },
  'no comparison right after an effect': {
    ports: (honest) => withoutFenceRead(honest, (last, restores) => !restores && last === 'readRouting'),
  },
  'no comparison right before a preparation is told': {
    ports: (honest) => withoutFenceRead(honest, (last) => last === 'prepare'),
  },
  'a restore that does not look whether the release has ended': {
    ports: (honest) => withoutFenceRead(honest, (last, restores) => restores && last === 'readRouting'),
  },
  'an intent that is recorded whatever the fence says': {
    releases: (honest) => ({
      intendStep: async (releaseId, _fence, progress) => honest.overwrite(releaseId, { progress }),
    }),
  },
  'an intent that is recorded below a higher one': {
    releases: (honest) => ({
      intendStep: async (releaseId, fence, progress) => {
        const release = honest.peek(releaseId);
        const forward = release?.mode === 'forward' && release.fence === fence;
        return forward && honest.overwrite(releaseId, { progress });
      },
    }),
  },
  'an intent that does not say in which wave': {
    releases: (honest) => ({
      intendStep: (releaseId, fence, progress) =>
        honest.intendStep(releaseId, fence, { ...progress, wave: 0 }),
    }),
  },
  'a restore that does not raise the fence': {
    releases: () => ({ beginRestore: async () => ({ fence: 1, first: true }) }),
  },
  'a verification that counts at any fence': {
    releases: (honest) => ({
      noteVerified: async (releaseId, verified) => honest.overwrite(releaseId, { verified }),
    }),
  },
  'a decision without verified traffic': { releases: (honest) => decidesAnyway(honest, () => true) },
  'a promotion decided after a restore began': {
    releases: (honest) => decidesAnyway(honest, ({ verified }) => verified?.at === 'new'),
  },
  'a turn that comes before the lock is free': {
    releases: (honest) => ({
      admit: async (release, at) => {
        const admission = await honest.admit(release, at);
        return admission.kind === 'behind' ? { kind: 'admitted' } : admission;
      },
    }),
  },
  'a shifter that takes writes with an old revision': { shifter: { checksRevisions: false } },
  'a restore that writes over whatever is there': {
    calls: (honest) => ({ restore: (target, stable) => honest.restore(target, stable) }),
  },
  'a restore that leaves the revision of what is in place already': {
    shifter: { restoreAlwaysWrites: false },
  },
  'tasks that are given back without asking first': {
    calls: (honest) => ({ retire: (target, mayWrite) => honest.retire(target, answered(mayWrite, 'first')) }),
  },
  'tasks that are given back without asking again': {
    calls: (honest) => ({ retire: (target, mayWrite) => honest.retire(target, answered(mayWrite, 'later')) }),
  },
  'tasks that are started without asking': {
    calls: (honest) => ({ prepare: (target, version) => honest.prepare(target, version, async () => true) }),
  },
} as const satisfies Readonly<Record<string, Mutation>>;

const decidesAnyway = (
  honest: MemoryReleases,
  when: (release: Release) => boolean,
): Partial<MemoryReleases> => ({
  decide: async (releaseId, { outcome, reasons }) => {
    const release = honest.peek(releaseId);
    if (release === undefined || release.mode === 'done' || !when(release)) return false;
    return honest.overwrite(releaseId, { mode: 'done', outcome, reasons: [...reasons] });
  },
});

/** Takes no notice of the fence where it is read after the call that `isLeftOut` names: what would have gone on goes on. */
const withoutFenceRead = (
  { releases, shifter, ledger }: Ports,
  isLeftOut: (last: string, restores: boolean) => boolean,
): Partial<Ports> => {
  let last = '';
  let restores = false;
  const noting = {
    before: (method: string) => {
      restores ||= method === 'beginRestore';
      last = method;
    },
  };
  const readFence: MemoryReleases['readFence'] = async (releaseId) => {
    const isUsed = !isLeftOut(last, restores);
    last = 'readFence';
    const fence = await releases.readFence(releaseId);
    return isUsed ? fence : { mode: restores ? 'restoring' : 'forward', fence: 1 };
  };
  return {
    releases: { ...hooked(releases, noting), readFence },
    shifter: hooked(shifter, noting),
    ledger: hooked(ledger, noting),
  };
};

/** Yes to the first question, or to those after it, without asking. */
const answered = (mayWrite: MayWrite, which: 'first' | 'later'): MayWrite => {
  let asked = 0;
  return async () => {
    asked += 1;
    return (asked === 1) === (which === 'first') || mayWrite();
  };
};
