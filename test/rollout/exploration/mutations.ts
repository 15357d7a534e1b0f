import type { Release } from '#releases/release.ts';
import type { MemoryReleases } from '../../fakes/memory-releases.ts';
import type { Mutation } from './control-plane.ts';

/** Promises of the ports that the fence rests on, each broken alone. */
export const MUTATIONS = {
  'a fence that always reads as forward': {
    releases: (honest) => ({ ...honest, readFence: async () => ({ mode: 'forward', fence: 1 }) }),
  },
  'an intent that is recorded whatever the fence says': {
    releases: (honest) => ({
      ...honest,
      intendStep: async (releaseId, _fence, progress) => honest.overwrite(releaseId, { progress }),
    }),
  },
  'an intent that is recorded below a higher one': {
    releases: (honest) => ({
      ...honest,
      intendStep: async (releaseId, fence, progress) => {
        const release = honest.peek(releaseId);
        const forward = release?.mode === 'forward' && release.fence === fence;
        return forward && honest.overwrite(releaseId, { progress });
      },
    }),
  },
  'a restore that does not raise the fence': {
    releases: (honest) => ({ ...honest, beginRestore: async () => ({ fence: 1, first: true }) }),
  },
  'a verification that counts at any fence': {
    releases: (honest) => ({
      ...honest,
      noteVerified: async (releaseId, verified) => honest.overwrite(releaseId, { verified }),
    }),
  },
  'a decision without verified traffic': { releases: (honest) => decidesAnyway(honest, () => true) },
  'a promotion decided after a restore began': {
    releases: (honest) => decidesAnyway(honest, ({ verified }) => verified?.at === 'new'),
  },
  'a shifter that takes writes with an old revision': { shifter: { checksRevisions: false } },
  'a restore that writes over whatever is there': {
    calls: (honest) => ({ ...honest, restore: (target, stable) => honest.restore(target, stable) }),
  },
  'a restore that leaves the revision of what is in place already': {
    shifter: { restoreAlwaysWrites: false },
  },
} as const satisfies Readonly<Record<string, Mutation>>;

const decidesAnyway = (honest: MemoryReleases, when: (release: Release) => boolean): MemoryReleases => ({
  ...honest,
  decide: async (releaseId, { outcome, reasons }) => {
    const release = honest.peek(releaseId);
    if (release === undefined || release.mode === 'done' || !when(release)) return false;
    return honest.overwrite(releaseId, { mode: 'done', outcome, reasons: [...reasons] });
  },
});
