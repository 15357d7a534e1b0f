import { digestOf } from '#platform/digest.ts';
import { ConflictError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Asked } from '#releases/asked.ts';
import { idempotencyScope } from '#releases/keys.ts';
import { phaseOf, type Release } from '#releases/release.ts';
import type { ReleaseRequest } from '#releases/release-request.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { type Command, mustGet, type Obeyed } from '#rollout/command.ts';

export interface RetryPorts {
  readonly releases: ReleaseStore;
  /** Takes a release in, as every door does. */
  readonly request: (asked: Asked) => Promise<Release>;
  readonly newReleaseId: () => ReleaseId;
}

/** @throws ConflictError with the reason when it can't be asked for again. */
const requestToRepeat = (release: Release): ReleaseRequest => {
  const { releaseId, outcome, concludedAt, request, strategy } = release;
  if (outcome === undefined || concludedAt === undefined)
    throw new ConflictError(
      `release ${releaseId} has not ended (${phaseOf(release)}); only one that has is asked for again`,
    );
  if (outcome === 'promoted')
    throw new ConflictError(
      `release ${releaseId} was promoted; there is nothing to retry. Ask for a release of the version that you want`,
    );
  if (request === undefined)
    throw new ConflictError(`release ${releaseId} is a ${strategy}; ask for a ${strategy} again`);
  return request;
};

/**
 * Asks for an ended release again: the same request, under the service's present definition, as a new release that names
 * the old one. A release ends in exactly one terminal record (INV-4), so it has no second life of its own. The same
 * command again finds the release that its first time asked for.
 * @throws NotFoundError; ConflictError with the reason when it makes no sense in the present state, or what it asks for
 * is held up.
 */
export const retryRelease = async (ports: RetryPorts, command: Command): Promise<Obeyed> => {
  const { releaseId, reason, by, key, at } = command;
  const request = requestToRepeat(await mustGet(ports, releaseId));
  const next = await ports.request({
    request,
    requestedBy: by,
    key: idempotencyScope('retry', releaseId, key),
    requestDigest: digestOf(request),
    releaseId: ports.newReleaseId(),
    at,
    retryOf: { releaseId, reason },
  });
  return { text: `asked for again as release ${next.releaseId}`, retriedAs: next.releaseId };
};
