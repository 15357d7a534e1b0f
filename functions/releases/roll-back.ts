import type { Actor } from '#platform/actor.ts';
import { digestOf } from '#platform/digest.ts';
import { ConflictError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { planWithoutStages } from '#policy/plan.ts';
import type { Asked } from '#releases/asked.ts';
import { BEGINNING } from '#releases/draft-release.ts';
import { lastPromoted } from '#releases/last-promoted.ts';
import type { LaunchPorts } from '#releases/launch-release.ts';
import { type ReadyWave, readyWaves } from '#releases/ready-wave.ts';
import type { Release } from '#releases/release.ts';
import { requestDrafted } from '#releases/request-release.ts';

/** What is asked of a service that runs, rather than of a version. */
export interface RollbackAsked extends Pick<Asked, 'key' | 'requestDigest'> {
  readonly service: string;
  readonly environment: string;
  readonly reason: string;
  readonly requestedBy: Actor;
  readonly releaseId: ReleaseId;
  readonly at: string;
}

/** The same targets, each to the version that was stable there before. */
const wavesBack = (waves: readonly ReadyWave[]): Release['waves'] =>
  waves.map(({ snapshot, ...wave }) => ({ ...wave, version: snapshot.stableVersion }));

/**
 * A release that takes the last promoted one back: no plan, no gates, no freeze, and nobody judges it, because what it
 * brings back was good. It is made of that release alone, so that a definition that was changed since is no obstacle.
 * @throws ConflictError when there is nothing to go back to, saying what to do.
 */
const draftRollback = (promoted: Release | undefined, asked: RollbackAsked): Release => {
  const { releaseId, service, environment, reason, requestedBy, at } = asked;
  const waves = promoted && readyWaves(promoted);
  const keyDigest = digestOf(asked.key);
  if (promoted === undefined || waves === undefined)
    throw new ConflictError(
      `no release of ${service} was promoted in ${environment}, so that no last good version is known; ask for a release of the version that you want`,
    );
  if (promoted.strategy === 'rollback')
    throw new ConflictError(
      `${service} in ${environment} is back on version ${promoted.version} already, by rollback ${promoted.releaseId}; ask for a release of the version that you want`,
    );
  const [first] = wavesBack(waves);
  return {
    releaseId,
    service,
    environment,
    version: first?.version ?? promoted.version,
    strategy: 'rollback',
    requestedBy,
    requestedAt: at,
    rollsBack: { releaseId: promoted.releaseId, reason, keyDigest },
    waves: wavesBack(waves),
    plan: planWithoutStages(promoted.plan, 'rollback'),
    judge: promoted.judge,
    ...BEGINNING,
  };
};

/**
 * Returns a service to its last good version, at once. The same key again has no further effect.
 * @throws ConflictError when there is none, or another release is active: that one is aborted, which brings traffic back.
 */
export const rollBack = async (ports: LaunchPorts, asked: RollbackAsked): Promise<Release> => {
  const promoted = await lastPromoted(ports.releases, asked.service, asked.environment);
  if (promoted?.rollsBack?.keyDigest === digestOf(asked.key)) return promoted;
  return requestDrafted(ports, draftRollback(promoted, asked), asked);
};
