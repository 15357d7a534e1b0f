import { constants } from 'node:os';
import type { Command } from 'commander';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import type { ApiClient } from '../api-client.ts';
import { connect } from '../connect.ts';
import { Failure } from '../failure.ts';
import { remark } from '../output.ts';
import { followRelease } from './follow-release.ts';
import { phaseWord, type ReleaseView } from './release-view.ts';
import { type Display, lineDisplay, liveDisplay, silentDisplay } from './show-progress.ts';

/** A release goes on when the network does not: it is asked after for this long before giving up. */
const PATIENT_SECONDS = 300;

export interface FollowOptions {
  readonly json?: true;
  readonly timeout?: number;
}

/**
 * A client for looking on, and for nothing else: whoever asks for something wants to know soon that nobody answers. It is no
 * more patient than the command has time.
 */
export const connectToWait = (command: Command, { timeout = PATIENT_SECONDS }: FollowOptions): ApiClient =>
  connect(command, Math.min(PATIENT_SECONDS, timeout));

/** Whoever stops looking on should know that nothing else has stopped. */
const sayThatItGoesOn = (releaseId: ReleaseId, display: Display): (() => void) => {
  const leave = (signal: NodeJS.Signals): void => {
    display.done();
    remark(`\nrelease ${releaseId} goes on. Pick it up with: sluice release watch ${releaseId}`);
    process.exit(128 + constants.signals[signal]);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  return () => void process.off('SIGINT', leave).off('SIGTERM', leave);
};

/**
 * Looks on until a release has ended.
 * @throws Failure when it has not within the time.
 */
export const waitForEnd = async (
  api: ApiClient,
  releaseId: ReleaseId,
  { timeout }: FollowOptions,
  display: Display,
): Promise<ReleaseView> => {
  const stopSaying = sayThatItGoesOn(releaseId, display);
  const release = await followRelease(api, releaseId, { show: display.show, withinSeconds: timeout });
  stopSaying();
  display.done();
  if (release === undefined)
    throw new Failure(
      1,
      `release ${releaseId} has not ended in time, and goes on. Pick it up with: sluice release wait ${releaseId}`,
    );
  return release;
};

/** What fits where standard output goes; nothing beside JSON. */
export const displayFor = async (json: boolean | undefined): Promise<Display> => {
  if (json === true) return silentDisplay;
  // A terminal without a size, as some CI systems have it, has no place to draw in.
  return process.stdout.isTTY && process.stdout.rows > 0
    ? liveDisplay()
    : lineDisplay((line) => console.log(line));
};

export const endOf = ({ phase, service, version, environment }: ReleaseView): string =>
  `${service} ${version} in ${environment}: ${phaseWord(phase)}`;
