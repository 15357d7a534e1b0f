import { TransientError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { type EnvironmentWave, environmentWaves } from '#policy/environment-waves.ts';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import { planOf } from '#policy/plan.ts';
import type { ProbeDefinition } from '#policy/probe-definition.ts';
import type { ServiceEnvironment } from '#policy/service-definition.ts';
import { type Target, targetIdentity } from '#policy/target.ts';
import type { TargetOwners } from '#policy/target-ownership.ts';
import { missingSetting, type TargetSettings } from '#policy/target-settings.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { standingOf } from '#releases/standing.ts';
import type { DeploymentStore, Place } from '#rollout/deployment.ts';
import { alarmFinding } from '#rollout/doctor/alarm-finding.ts';
import { type Check, type Finding, finding } from '#rollout/doctor/finding.ts';
import { metricFindings, type Recent, requestRate } from '#rollout/doctor/metric-findings.ts';
import { type MoverGrants, neededGrants } from '#rollout/doctor/needed-grants.ts';
import { planFinding } from '#rollout/doctor/plan-finding.ts';
import { type Probing, probeFinding } from '#rollout/doctor/probe-finding.ts';
import {
  deploymentFinding,
  ownershipFinding,
  permissionFinding,
  settingFinding,
  targetFindings,
} from '#rollout/doctor/target-findings.ts';
import { expectedOf } from '#rollout/drift.ts';
import { type AlarmReader, guardsOf } from '#rollout/guards.ts';
import type { MetricSource } from '#rollout/metric-source.ts';
import { settleSecondsOf } from '#rollout/stage-clock.ts';
import type { Examination, TrafficShifter } from '#rollout/traffic-shifter.ts';

export interface DoctorPorts {
  readonly settings: TargetSettings;
  readonly ownRegion: string;
  readonly functionArnPrefix: string;
  readonly releases: Pick<ReleaseStore, 'list' | 'get'>;
  readonly deployments: Pick<DeploymentStore, 'get'>;
  readonly shifter: Pick<TrafficShifter<Target>, 'examine'>;
  readonly source: MetricSource<MetricDefinition>;
  readonly probe: (definition: ProbeDefinition) => Promise<Probing>;
  readonly owners: TargetOwners;
  readonly grants: MoverGrants;
  readonly alarms: AlarmReader;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onTrouble: (check: Check, error: unknown) => void;
}

/** An hour of the usual periods: what a release's snapshot looks back on, too. */
const PERIODS = 60;

const troubleOf = (check: Check, error: unknown): Finding => {
  if (error instanceof TransientError) return finding(check, 'unknown', `${error.message}; try again`);
  if (error instanceof Error && /^AccessDenied|^UnauthorizedOperation/.test(error.name))
    return finding(
      check,
      'fail',
      'AWS did not let Sluice look: deploy the stage again, and if that changes nothing, look for a boundary or a policy of the organization',
    );
  return finding(check, 'unknown', 'it could not be looked at; the log of serve-doctor says why');
};

/** What can't be looked at is a finding of its own, and keeps nothing else from being looked at. */
const looked = async (
  { onTrouble }: DoctorPorts,
  check: Check,
  look: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> => {
  try {
    return await look();
  } catch (error) {
    onTrouble(check, error);
    return [troubleOf(check, error)];
  }
};

const ownership = (ports: DoctorPorts, target: Target) =>
  looked(ports, 'ownership', async () => {
    const [owner] = await ports.owners.ownershipOf([target]);
    return owner === undefined ? [] : [ownershipFinding(target, owner)];
  });

const permissions = (ports: DoctorPorts, target: Target) =>
  looked(ports, 'permissions', async () => [
    permissionFinding(await ports.grants.missing(neededGrants(target, ports.functionArnPrefix))),
  ]);

const probes = (ports: DoctorPorts, { probes: definition }: EnvironmentWave) =>
  looked(ports, 'probes', async () =>
    definition === undefined ? [] : [probeFinding(definition, await ports.probe(definition))],
  );

/** They guard the environment, whichever wave a release is in. */
const alarms = (ports: DoctorPorts, { guardAlarms: names = [] }: ServiceEnvironment) =>
  looked(ports, 'alarms', async () =>
    names.length === 0 ? [] : [alarmFinding(guardsOf(names, await ports.alarms.states(names)))],
  );

type Found = Examination & { readonly kind: 'found' };

const recentOf = async (
  ports: DoctorPorts,
  { target, metrics }: EnvironmentWave,
  { routing: { primary: stableVersion }, places }: Found,
  settleSeconds: number,
): Promise<Recent> => {
  const period = metrics.periodSeconds * 1_000;
  const to = Math.floor((ports.now() - settleSeconds * 1_000) / period) * period;
  const from = to - PERIODS * period;
  const arms = { target, canary: stableVersion, baseline: stableVersion, places };
  const periods = await ports.source.read(metrics, arms, from, to);
  return { periods, stableVersion, seconds: (to - from) / 1_000 };
};

/** Facts of the version that runs, and whether its traffic is enough for the plan. */
const measurements = async (
  ports: DoctorPorts,
  { plan, judge }: ServiceEnvironment,
  wave: EnvironmentWave,
  examination: Found,
): Promise<readonly Finding[]> => {
  const settleSeconds = settleSecondsOf(wave.metrics, examination);
  let requestsPerSecond: number | undefined;
  const found = await looked(ports, 'metrics', async () => {
    const recent = await recentOf(ports, wave, examination, settleSeconds);
    requestsPerSecond = requestRate(recent);
    return metricFindings(wave.target, wave.metrics, recent);
  });
  const traffic = requestsPerSecond === undefined ? undefined : { requestsPerSecond, settleSeconds };
  return [...found, planFinding(planOf(plan), judge, traffic)];
};

/** What is known of the target, and what can be found out only once it is. */
const aroundTarget = async (
  ports: DoctorPorts,
  place: Place,
  settings: ServiceEnvironment,
  wave: EnvironmentWave,
): Promise<readonly Finding[]> => {
  const { service, environment, target } = place;
  const [examination, standing, known] = await Promise.all([
    ports.shifter.examine(target),
    standingOf(ports.releases, service, environment, [target]),
    ports.deployments.get(place),
  ]);
  const active: ReleaseId | undefined = standing.active?.releaseId;
  const expected = expectedOf(standing.left.get(targetIdentity(target)), known?.firstSeen);
  const found = targetFindings(examination, active);
  if (examination.kind === 'absent')
    return expected === undefined ? found : [...found, deploymentFinding(examination, expected, active)];
  return [
    ...found,
    deploymentFinding(examination, expected, active),
    ...(await measurements(ports, settings, wave, examination)),
  ];
};

/** A target that the stage may not touch is told by the setting's name, and is not touched. */
const examineWave = async (
  ports: DoctorPorts,
  place: Place,
  settings: ServiceEnvironment,
  wave: EnvironmentWave,
): Promise<readonly Finding[]> => {
  const missing = missingSetting(place.target, ports.settings, ports.ownRegion);
  const [around, ...others] = await Promise.all([
    missing === undefined ? looked(ports, 'target', () => aroundTarget(ports, place, settings, wave)) : [],
    missing === undefined ? permissions(ports, place.target) : [],
    probes(ports, wave),
    ownership(ports, place.target),
  ]);
  return [settingFinding(missing), ...around, ...others.flat()];
};

/**
 * Everything that would keep a release of this service into this environment from going well, before there is one.
 * Changes nothing.
 */
export const examineEnvironment = async (
  ports: DoctorPorts,
  service: string,
  environment: string,
  settings: ServiceEnvironment,
): Promise<readonly Finding[]> => {
  const waves = environmentWaves(settings);
  const [guards, ...found] = await Promise.all([
    alarms(ports, settings),
    ...waves.map(async (wave) => {
      const { name, target } = wave;
      const findings = await examineWave(ports, { service, environment, target }, settings, wave);
      return waves.length === 1 ? findings : findings.map((one) => ({ wave: name, ...one }));
    }),
  ]);
  return [...found.flat(), ...guards];
};
