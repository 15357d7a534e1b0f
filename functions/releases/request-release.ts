import type { LedgerWriter } from '#ledger/append.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { digestOf } from '#platform/digest.ts';
import { ConflictError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { ServiceRegistry } from '#policy/service-registry.ts';
import type { Asked } from '#releases/asked.ts';
import { draftRelease } from '#releases/draft-release.ts';
import { type LaunchPorts, launchRelease } from '#releases/launch-release.ts';
import type { Release } from '#releases/release.ts';

export interface RequestPorts extends LaunchPorts {
  readonly services: ServiceRegistry;
  readonly ledger: LedgerWriter;
}

/** The same request under the same key, refused for the same release, is one refusal however often it comes. */
const refusalId = ({ key, requestDigest, requestedBy }: Asked, by: ReleaseId): string =>
  `request/${digestOf([key, requestDigest, requestedBy])}/refused/${by}`;

/** It names no release: it was refused before it became one. */
const lockedRecord = ({ request, requestedBy, at }: Asked, by: ReleaseId, text: string): RecordDraft => ({
  event: { type: 'release.refused', timestamp: at },
  change: { service: request.service, environment: request.environment },
  actor: requestedBy,
  data: {
    version: request.version,
    reasons: [{ code: 'active-release', text, facts: { activeReleaseId: by } }],
  },
});

/**
 * Takes a request in: reserves lock, release and idempotency key in one write, records the acceptance, starts the
 * workflow. A crash between any two of these is finished by a repetition of the request or by the recovery sweep.
 * @throws NotFoundError, InvalidRequestError for what is asked; ConflictError when another release is active or the
 * key was used for another request; TransientError when the ledger can't be written: then the release is reserved and
 * goes on by itself.
 */
export const requestRelease = async (ports: RequestPorts, asked: Asked): Promise<Release> => {
  const release = await draftRelease(ports.services, asked);
  const reservation = await ports.releases.reserve(release, {
    value: asked.key,
    requestDigest: asked.requestDigest,
  });
  switch (reservation.kind) {
    case 'reserved':
      return launchRelease(ports, release);
    case 'repeated': {
      const { release: earlier } = reservation;
      const isUnlaunched = earlier.mode === 'forward' && earlier.startedAt === undefined;
      return isUnlaunched ? launchRelease(ports, earlier) : earlier;
    }
    case 'key-reused':
      throw new ConflictError(
        `this idempotency key was used for another request, release ${reservation.releaseId}; use a new key`,
      );
    case 'locked':
    case 'target-locked': {
      const held =
        reservation.kind === 'locked'
          ? `${release.service} in ${release.environment} already has an active release`
          : `what ${release.service} in ${release.environment} moves traffic on is being moved by another service's release`;
      const text = `${held}, ${reservation.by}; wait for it or abort it`;
      await ports.ledger.append(refusalId(asked, reservation.by), [
        lockedRecord(asked, reservation.by, text),
      ]);
      throw new ConflictError(text);
    }
  }
};
