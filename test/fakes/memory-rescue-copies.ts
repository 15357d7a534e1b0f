import { parseRescueText, type RescueCopies, rescueText } from '#rollout/rescue-copy.ts';

/** Rescue copies in memory, one for each service and environment. */
export const memoryRescueCopies = (): RescueCopies => {
  const kept = new Map<string, string>();
  return {
    keep: async (carried) => {
      kept.set(`${carried.subject.service}/${carried.subject.environment}`, rescueText(carried));
    },
    ofRelease: async (releaseId) =>
      [...kept.values()].map(parseRescueText).find(({ subject }) => subject.releaseId === releaseId),
  };
};
