import { parseRescueText, type RescueCopies, rescueText } from '#rollout/rescue-copy.ts';

/** Rescue copies in memory, one for each service and environment. */
export const memoryRescueCopies = (): RescueCopies => {
  const kept = new Map<string, string>();
  return {
    keep: async (carried) => {
      kept.set(
        `${carried.subject.service}/${carried.subject.environment}`,
        rescueText({ ...carried, region: 'eu-central-1' }),
      );
    },
    ofRelease: async (releaseId) =>
      [...kept.values()]
        .map(parseRescueText)
        .map(({ subject, waves }) => ({ subject, waves }))
        .find(({ subject }) => subject.releaseId === releaseId),
  };
};
