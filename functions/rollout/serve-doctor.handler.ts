import * as z from 'zod';
import { ADVISORY, cloudWatch, dynamoDb, iam, lambdaInvoker } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { NotFoundError } from '#platform/errors.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { logger } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { lambdaOwners } from '#policy/adapters/lambda-ownership.ts';
import { regionSchema } from '#policy/region-schema.ts';
import { targetSettingsVariable } from '#policy/target-settings.ts';
import { dynamoDbReleases } from '#releases/adapters/dynamodb-releases.ts';
import { cloudWatchAlarms } from '#rollout/adapters/cloudwatch-alarms.ts';
import { dynamoDbDeployments } from '#rollout/adapters/dynamodb-deployments.ts';
import { httpProbes } from '#rollout/adapters/http-probes.ts';
import { iamMoverGrants } from '#rollout/adapters/iam-mover-grants.ts';
import { metricSource } from '#rollout/adapters/rollout-ports.ts';
import { shifterForTarget } from '#rollout/adapters/shifter-for.ts';
import { type DoctorPorts, examineEnvironment } from '#rollout/doctor/examine-environment.ts';
import { worstOf } from '#rollout/doctor/finding.ts';
import { doctorRoutes } from '#rollout/doctor/routes.ts';
import { metricEnvironment, probeEnvironment } from '#rollout/environment.ts';

const environment = readEnvironment({
  ...metricEnvironment,
  ...probeEnvironment,
  RELEASES_TABLE: z.string(),
  SERVICES_TABLE: z.string(),
  DEPLOYMENTS_TABLE: z.string(),
  CHECK_OWNERSHIP_ARN: z.string(),
  FUNCTION_ARN_PREFIX: z.string(),
  TARGET_SETTINGS: targetSettingsVariable,
  AWS_REGION: regionSchema,
  MOVER_ROLES: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.string())),
});
const services = dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE);
const ports: DoctorPorts = {
  settings: environment.TARGET_SETTINGS,
  ownRegion: environment.AWS_REGION,
  functionArnPrefix: environment.FUNCTION_ARN_PREFIX,
  releases: dynamoDbReleases(dynamoDb(), environment.RELEASES_TABLE),
  deployments: dynamoDbDeployments(dynamoDb(), environment.DEPLOYMENTS_TABLE),
  shifter: shifterForTarget,
  source: metricSource(environment),
  probe: httpProbes({ hosts: environment.PROBE_HOSTS, reach: environment.OUTBOUND_REACH }),
  owners: lambdaOwners(lambdaInvoker(ADVISORY), environment.CHECK_OWNERSHIP_ARN, (error) =>
    logger.warn('ownership not checked', { error }),
  ),
  grants: iamMoverGrants(iam(), environment.MOVER_ROLES),
  alarms: cloudWatchAlarms(cloudWatch()),
  now: Date.now,
  onTrouble: (check, error) => logger.warn('check not made', { check, error }),
};

export const handler = serveRoutes(doctorRoutes)({
  examineService: async ({ params: { service }, query }) => {
    const registered = await services.get(service);
    if (registered === undefined) throw new NotFoundError(`service ${service} is not registered`);
    const asked = Object.entries(registered.definition.environments).filter(
      ([name]) => query.environment === undefined || name === query.environment,
    );
    if (asked.length === 0)
      throw new NotFoundError(`service ${service} has no environment ${query.environment}`);
    const environments = await Promise.all(
      asked.map(async ([name, settings]) => {
        const findings = [...(await examineEnvironment(ports, service, name, settings))];
        return { environment: name, status: worstOf(findings), findings };
      }),
    );
    const status = worstOf(environments.flatMap(({ findings }) => findings));
    return {
      status: 200,
      body: { service, status, examinedAt: new Date().toISOString(), environments },
    };
  },
});
