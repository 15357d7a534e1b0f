import { ConflictError } from '#platform/errors.ts';
import { planOfDrill } from '#policy/plan.ts';
import { BEGINNING, settingsOf, wavesOf } from '#releases/draft-release.ts';
import { lastPromoted } from '#releases/last-promoted.ts';
import { readyWaves } from '#releases/ready-wave.ts';
import type { Release } from '#releases/release.ts';
import { type RequestPorts, requestDraftedStart } from '#releases/request-release.ts';
import type { RollbackAsked } from '#releases/roll-back.ts';

export interface DrillAsked extends RollbackAsked {
  /** What gets the drill's traffic; by default what ran before the last promoted release. */
  readonly version?: string;
  readonly weightPercent: number;
}

/** @throws ConflictError when nothing is known that could safely get traffic. */
const versionFor = async (ports: RequestPorts, asked: DrillAsked): Promise<string> => {
  if (asked.version !== undefined) return asked.version;
  const { service, environment } = asked;
  const promoted = await lastPromoted(ports.releases, service, environment);
  if (promoted?.strategy === 'rollback')
    throw new ConflictError(
      `what ran in ${environment} before is what ${service} was rolled back from, by ${promoted.releaseId}; name in \`version\` a good one that may get ${asked.weightPercent} % of traffic for some seconds`,
    );
  const version = promoted && readyWaves(promoted)?.[0]?.snapshot.stableVersion;
  if (version !== undefined) return version;
  throw new ConflictError(
    `no release of ${service} was promoted in ${environment}, so that no earlier good version is known; name in \`version\` one that may get ${asked.weightPercent} % of traffic for some seconds`,
  );
};

/**
 * Drills a rollback with real traffic: a little of it goes to a version known to be good, the first look finds it
 * failing on purpose, and everything after that is what a real breach would get. An alias can't weight the running
 * version against itself, so that the version before it is taken.
 * @throws as requestRelease; ConflictError when no version is known.
 */
export const drillRollback = async (ports: RequestPorts, asked: DrillAsked): Promise<Release> => {
  const { releaseId, service, environment, reason, requestedBy, at, weightPercent } = asked;
  const settings = await settingsOf(ports.services, service, environment);
  const version = await versionFor(ports, asked);
  const [first] = wavesOf(settings, { version });
  const release: Release = {
    releaseId,
    service,
    environment,
    version,
    strategy: 'drill',
    notes: reason,
    requestedBy,
    requestedAt: at,
    waves: first === undefined ? [] : [first],
    plan: planOfDrill(settings.plan, weightPercent),
    judge: settings.judge,
    ...BEGINNING,
  };
  return requestDraftedStart(ports, release, asked);
};
