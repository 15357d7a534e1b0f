import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { ADVISORY, dynamoDb, lambdaInvoker } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { lambdaOwners } from '#policy/adapters/lambda-ownership.ts';
import { environmentWaves } from '#policy/environment-waves.ts';
import { regionSchema } from '#policy/region-schema.ts';
import type { RegisteredService } from '#policy/service-definition.ts';
import { missingSetting, targetSettingsVariable } from '#policy/target-settings.ts';
import { dynamoDbLocks } from '#releases/adapters/dynamodb-locks.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { dynamoDbDeployments } from '#rollout/adapters/dynamodb-deployments.ts';
import { presentRouting } from '#rollout/adapters/present-routing.ts';
import { shifterForTarget } from '#rollout/adapters/shifter-for.ts';
import type { Place } from '#rollout/deployment.ts';
import { type ReconcilePorts, reconcileDeployment } from '#rollout/reconcile-deployment.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  SERVICES_TABLE: z.string(),
  DEPLOYMENTS_TABLE: z.string(),
  CHECK_OWNERSHIP_ARN: z.string(),
  TARGET_SETTINGS: targetSettingsVariable,
  AWS_REGION: regionSchema,
});
const services = dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE);
const ports: ReconcilePorts = {
  ...releasePorts(environment),
  activeRelease: dynamoDbLocks(dynamoDb(), environment.RELEASES_TABLE),
  deployments: dynamoDbDeployments(dynamoDb(), environment.DEPLOYMENTS_TABLE),
  routingOf: presentRouting(shifterForTarget),
  owners: lambdaOwners(lambdaInvoker(ADVISORY), environment.CHECK_OWNERSHIP_ARN, (error) =>
    logger.warn('ownership not checked', { error }),
  ),
};

/** Enough for hundreds of targets within the function's time, few enough for the rate limits of what is asked. */
const AT_ONCE = 8;

/** A target that the stage may not touch was never released by it; whoever asks the doctor is told. */
const placesOf = ({ service, definition }: RegisteredService): readonly Place[] =>
  Object.entries(definition.environments).flatMap(([name, settings]) =>
    environmentWaves(settings).flatMap(({ target }) =>
      missingSetting(target, environment.TARGET_SETTINGS, environment.AWS_REGION) === undefined
        ? [{ service, environment: name, target }]
        : [],
    ),
  );

const everyPlace = async (): Promise<readonly Place[]> => {
  const places: Place[] = [];
  let after: string | undefined;
  do {
    const page = await services.list({ limit: 100, ...(after !== undefined && { after }) });
    places.push(...page.services.flatMap(placesOf));
    after = page.next;
  } while (after !== undefined);
  return places;
};

/**
 * Compares every registered target with what its last release left. One target's trouble doesn't keep the others
 * waiting, and makes the whole call fail, so that what can't be compared is seen too.
 */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async () => {
    const failures: unknown[] = [];
    const waiting = [...(await everyPlace())];
    let drifted = 0;
    const work = async (): Promise<void> => {
      for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
        const { service, environment: name } = place;
        try {
          if ((await reconcileDeployment(ports, place)) === 'drifted') {
            drifted += 1;
            logger.warn('traffic is not where the last release left it', { service, environment: name });
          }
        } catch (error) {
          logger.error('deployment not reconciled', { service, environment: name, error });
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (drifted > 0) metrics.addMetric(METRIC.deploymentDrifted, 'Count', drifted);
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} deployments were not reconciled`);
  });
