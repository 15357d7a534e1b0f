import type { Actor } from '#platform/actor.ts';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { shorten } from '#platform/text.ts';
import type { Release } from '#releases/release.ts';
import type { AbortAllResult, AbortedRelease } from '#rollout/abort-all-schema.ts';
import { appendOrSpool } from '#rollout/append-or-spool.ts';
import { type CommandPorts, obey } from '#rollout/command.ts';

export interface AbortAll {
  readonly environment: string;
  readonly reason: string;
  readonly by: Actor;
  /** Names the command: given again, it is told once of each release. */
  readonly key: string;
  readonly at: string;
}

export interface AbortAllPorts extends CommandPorts {
  /** Fails when the work is not done in time; the work itself goes on as long as it may. */
  readonly withinTime: <T>(work: Promise<T>) => Promise<T>;
}

const TEXT_MAX = 300;

const abortOne = async (
  ports: AbortAllPorts,
  { releaseId, service }: Release,
  { reason, by, key, at }: AbortAll,
): Promise<AbortedRelease> => {
  const told = (result: AbortedRelease['result'], text: string) => ({ releaseId, service, result, text });
  try {
    const order = { name: 'abort', releaseId, reason, by, key, at } as const;
    const { traffic = 'restored', text } = await ports.withinTime(obey(ports, order));
    return told(traffic, text);
  } catch (error) {
    if (error instanceof ConflictError) return told('ended', error.message);
    ports.onTrouble('a release was not aborted with its environment', error);
    const known = error instanceof TransientError ? error.message : 'something went wrong in Sluice';
    return told('failed', shorten(`not verified on the stable version: ${known}`, TEXT_MAX));
  }
};

const summaryOf = (environment: string, results: readonly AbortedRelease[]): string => {
  if (results.length === 0) return `no release is on its way in ${environment}`;
  const failed = results.filter(({ result }) => result === 'failed').length;
  return failed === 0
    ? `each of ${results.length} releases in ${environment} is restored and read back, or had ended`
    : `${failed} of ${results.length} releases in ${environment} are not verified on their stable versions: each is being tried again by its workflow; repeat this until it is complete`;
};

/** What one record holds easily, far above the releases that are on their way at once. */
const RECORDED_MAX = 200;

/**
 * Aborts every release of an environment, side by side, each as an abort of its own: one that can't be restored keeps no
 * other one waiting, and is told. What it comes to is recorded afterwards. A release that is asked for while this runs
 * may be missed: freeze the environment first.
 * @throws TransientError when the open releases can't be listed.
 */
export const abortAll = async (ports: AbortAllPorts, command: AbortAll): Promise<AbortAllResult> => {
  const { environment, reason, by, key } = command;
  const open = (await ports.releases.open()).filter((release) => release.environment === environment);
  const releases = await Promise.all(open.map((release) => abortOne(ports, release, command)));
  const text = summaryOf(environment, releases);
  await appendOrSpool(ports, `environment/${environment}/abort-all/${key}`, [
    {
      event: { type: 'environment.abort-all.done', timestamp: ports.now() },
      change: { environment },
      actor: by,
      data: {
        reason,
        text,
        count: releases.length,
        releases: releases
          .slice(0, RECORDED_MAX)
          .map(({ releaseId: release, result }) => ({ release, result })),
      },
    },
  ]);
  return { environment, complete: releases.every(({ result }) => result !== 'failed'), text, releases };
};
