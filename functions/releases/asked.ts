import type { Actor } from '#platform/actor.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Release } from '#releases/release.ts';
import type { ReleaseRequest } from '#releases/release-request.ts';

/** A request for a release as a door took it in, with who asks and what it is told apart by. */
export interface Asked {
  readonly request: ReleaseRequest;
  readonly requestedBy: Actor;
  /** Idempotency key, already made unique to its door and caller. */
  readonly key: string;
  /** Digest of the request, to tell a repetition from another request under the same key. */
  readonly requestDigest: string;
  readonly releaseId: ReleaseId;
  readonly at: string;
  /** The ended release that this one asks for again, and why. */
  readonly retryOf?: NonNullable<Release['retryOf']>;
}
