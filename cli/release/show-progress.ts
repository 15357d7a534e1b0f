import { narrate } from '../narration.ts';
import { legible, paint } from '../output.ts';
import type { Sight } from './follow-release.ts';
import { releaseLines } from './release-view.ts';

/** How a followed release is shown; `done` leaves the last of it standing. */
export interface Display {
  show(sight: Sight): void;
  done(): void;
}

/** Lines of the story under the live view: the newest ones, so that all fits a small terminal. */
const STORY_LINES = 8;

const storyOf = ({ records }: Pick<Sight, 'records'>): readonly string[] =>
  records.flatMap((record) => {
    const line = narrate(legible(record));
    return line === undefined ? [] : [`${record.event.timestamp.slice(11, 19)}  ${line}`];
  });

/** The live view as one text: where the release is, and what happened last. */
export const liveView = (sight: Sight, now: number): string => {
  const story = storyOf(sight).map((line) => line.split('\n')[0] ?? '');
  return [
    ...releaseLines(legible(sight.release), sight.records, now),
    '',
    ...story.slice(-STORY_LINES).map((line) => paint('dim', line)),
  ].join('\n');
};

/** Redrawn in place; for a terminal. */
export const liveDisplay = async (): Promise<Display> => {
  const { default: logUpdate } = await import('log-update');
  return {
    show: (sight) => logUpdate(liveView(sight, Date.now())),
    done: () => logUpdate.done(),
  };
};

/** A line for each record that means something to people; for a CI job's log. */
export const lineDisplay = (write: (line: string) => void): Display => ({
  show: ({ fresh }) => {
    for (const line of storyOf({ records: fresh })) write(line);
  },
  done: () => undefined,
});

/** Each record as it is, one JSON object a line; for scripts. */
export const recordDisplay = (write: (line: string) => void): Display => ({
  show: ({ fresh }) => {
    for (const record of fresh) write(JSON.stringify(record));
  },
  done: () => undefined,
});

export const silentDisplay: Display = { show: () => undefined, done: () => undefined };
