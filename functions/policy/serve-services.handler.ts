import * as z from 'zod';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { ADVISORY, dynamoDb, lambdaInvoker } from '#platform/clients.ts';
import { fromCursor, toCursor } from '#platform/cursor.ts';
import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { InvalidRequestError, NotFoundError } from '#platform/errors.ts';
import { serviceNameSchema } from '#platform/ids.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { logger } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { lambdaOwners } from '#policy/adapters/lambda-ownership.ts';
import { admitTargets } from '#policy/admit-targets.ts';
import { hookFunctionsVariable } from '#policy/hook-schema.ts';
import { metricFunctionsVariable } from '#policy/lambda-metrics-schema.ts';
import { hostPatternsVariable, metricHostsVariable, reachSchema } from '#policy/outbound-schema.ts';
import { regionSchema, regionsVariable } from '#policy/region-schema.ts';
import { registerService } from '#policy/register-service.ts';
import { serviceRoutes } from '#policy/routes.ts';
import type { ServiceDefinition } from '#policy/service-definition.ts';
import { stageFaults } from '#policy/stage-limits.ts';

const environment = readEnvironment({
  SERVICES_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
  CHECK_OWNERSHIP_ARN: z.string(),
  METRIC_PERIOD_SECONDS_MIN: z.coerce.number().int().min(1),
  PROBE_HOSTS: hostPatternsVariable,
  METRIC_HOSTS: metricHostsVariable,
  METRIC_FUNCTIONS: metricFunctionsVariable,
  HOOK_HOSTS: metricHostsVariable,
  HOOK_FUNCTIONS: hookFunctionsVariable,
  OUTBOUND_REACH: reachSchema,
  AWS_REGION: regionSchema,
  TARGET_REGIONS: regionsVariable,
});

const services = dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE);
const ledger = lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN);
const owners = lambdaOwners(lambdaInvoker(ADVISORY), environment.CHECK_OWNERSHIP_ARN, (error) =>
  logger.warn('ownership not checked', { error }),
);

/**
 * The ledger's records hold the definition with every default spelled out; one takes 65,535 bytes, and the rest of them
 * is the record's own.
 */
const DEFINITION_BYTES_MAX = 60_000;

const refuseTooLong = (definition: ServiceDefinition): void => {
  const bytes = Buffer.byteLength(JSON.stringify(definition));
  if (bytes <= DEFINITION_BYTES_MAX) return;
  const message = `must be ${DEFINITION_BYTES_MAX} bytes at most with every default spelled out, and is ${bytes}`;
  throw new InvalidRequestError('the body is not valid', { faults: [{ path: 'environments', message }] });
};

const isServiceName = (position: string): boolean => serviceNameSchema.safeParse(position).success;

const refuseBeyondStage = (definition: ServiceDefinition): void => {
  const faults = stageFaults(definition, {
    metricPeriodSecondsMin: environment.METRIC_PERIOD_SECONDS_MIN,
    probes: { hosts: environment.PROBE_HOSTS, reach: environment.OUTBOUND_REACH },
    metricFunctions: environment.METRIC_FUNCTIONS,
    ownRegion: environment.AWS_REGION,
    targetRegions: environment.TARGET_REGIONS,
    hooks: { hosts: environment.HOOK_HOSTS.map(({ host }) => host), reach: environment.OUTBOUND_REACH },
    hookFunctions: environment.HOOK_FUNCTIONS,
    prometheus: {
      hosts: environment.METRIC_HOSTS.map(({ host }) => host),
      reach: environment.OUTBOUND_REACH,
    },
  });
  if (faults.length > 0) throw new InvalidRequestError('the body is not valid', { faults });
};

export const handler = serveRoutes(serviceRoutes)({
  putService: async ({ params, body, caller, requestId }) => {
    refuseBeyondStage(body);
    refuseTooLong(body);
    const previous = await services.get(params.service);
    const warnings = await admitTargets(owners, body, previous?.definition);
    const registered = await registerService(
      { services, ledger },
      {
        service: params.service,
        definition: body,
        digest: digestOf(body),
        by: caller.actor,
        at: new Date().toISOString(),
        requestId,
      },
    );
    return { status: 200, body: { ...registered, ...(warnings.length > 0 && { warnings: [...warnings] }) } };
  },
  getService: async ({ params }) => {
    const registered = await services.get(params.service);
    if (registered === undefined) throw new NotFoundError(`service ${params.service} is not registered`);
    return { status: 200, body: registered };
  },
  listServices: async ({ query }) => {
    const { services: found, next } = await services.list({
      limit: query.limit,
      ...(query.cursor !== undefined && { after: fromCursor(query.cursor, isServiceName) }),
    });
    return {
      status: 200,
      body: { services: [...found], ...(next !== undefined && { next: toCursor(next) }) },
    };
  },
});
