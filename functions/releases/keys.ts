import type { ReleaseId } from '#platform/ids.ts';
import { type Target, targetIdentity } from '#policy/target.ts';

/**
 * Table `releases`, owned by this slice.
 *
 * | pk                            | sk        | what                                                            |
 * |-------------------------------|-----------|-----------------------------------------------------------------|
 * | `RELEASE#<releaseId>`         | `RELEASE` | the release, the one item that decides                          |
 * | `LOCK#<service>#<environment>`| `LOCK`    | `releaseId`: the active release of a service and environment    |
 * | `WAITING#<service>#<environment>`| `LOCK`| `releaseId`: the one release that waits for that lock, if any   |
 * | `TARGET#<identity>`           | `LOCK`    | `releaseId`: the active release that moves this very traffic     |
 * | `ENVIRONMENT#<environment>`   | `FREEZE`  | whether releases may start there, and who said so               |
 * | `KEY#<door>#<who>#<key>`      | `KEY`     | `releaseId`, `requestDigest`: an idempotency key; expires by TTL |
 *
 * Index `by-time` (`all` = `RELEASE`, `releaseId`): every release, newest last, because ids sort by time.
 * Index `by-service` (`service`, `releaseId`): one service's.
 * Index `open` (`open` = `OPEN`, `releaseId`): those without a conclusion; the attribute goes when the lock goes.
 */
export const RELEASES = {
  byTime: 'by-time',
  byService: 'by-service',
  open: 'open',
  all: 'RELEASE',
  openMark: 'OPEN',
  ttl: 'expiresAt',
} as const;

export const releaseKey = (releaseId: ReleaseId) => ({ pk: `RELEASE#${releaseId}`, sk: 'RELEASE' });

export const lockKey = (service: string, environment: string) => ({
  pk: `LOCK#${service}#${environment}`,
  sk: 'LOCK',
});

/** Written once and then kept: who waits is an attribute of it, which comes and goes. */
export const waitingKey = (service: string, environment: string) => ({
  pk: `WAITING#${service}#${environment}`,
  sk: 'LOCK',
});

/** Two services may declare the same target by mistake; their releases must not fight over its traffic. */
export const targetLockKey = (target: Target) => ({ pk: `TARGET#${targetIdentity(target)}`, sk: 'LOCK' });

export const environmentKey = (environment: string) => ({ pk: `ENVIRONMENT#${environment}`, sk: 'FREEZE' });

/** What a key is unique within, and the key. A `#` inside of a part can't pass for the one between two. */
export const idempotencyScope = (...parts: readonly string[]): string =>
  parts.map((part) => part.replaceAll('%', '%25').replaceAll('#', '%23')).join('#');

export const idempotencyItemKey = (key: string) => ({ pk: `KEY#${key}`, sk: 'KEY' });
