import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { batchesOf, recordsOfAwsEvent } from '#capture/aws-event.ts';
import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import { dynamoDb, queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import type { RegisteredService } from '#policy/service-definition.ts';

const names = z.string().transform((text) => text.split(',').filter((name) => name !== ''));

const environment = readEnvironment({
  CAPTURES_QUEUE_URL: z.string(),
  SERVICES_TABLE: z.string(),
  OWN_PREFIX: z.string().min(1),
  OWN_IDS: names,
  OWN_ROLES: names,
});

const registry = dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE);
const queue = queueLedgerSpool(queues(), environment.CAPTURES_QUEUE_URL);
const own = { prefix: environment.OWN_PREFIX, ids: environment.OWN_IDS, roles: environment.OWN_ROLES };

const readServices = async (): Promise<readonly RegisteredService[]> => {
  const services: RegisteredService[] = [];
  let after: string | undefined;
  do {
    const page = await registry.list({ limit: 100, ...(after !== undefined && { after }) });
    services.push(...page.services);
    after = page.next;
  } while (after !== undefined);
  return services;
};

/** A deployment of somebody else's is hundreds of calls within seconds, and the registry changes seldom. */
const KEPT_MILLISECONDS = 30_000;
let known: { readonly at: number; readonly services: Promise<readonly RegisteredService[]> } | undefined;

const services = async (): Promise<readonly RegisteredService[]> => {
  if (known === undefined || Date.now() - known.at > KEPT_MILLISECONDS)
    known = { at: Date.now(), services: readServices() };
  const asked = known;
  return asked.services.catch((error: unknown): never => {
    if (known === asked) known = undefined;
    throw error;
  });
};

/** What AWS tells of on the account's bus. What fails is thrown: Lambda tries again, and then keeps the event in a queue. */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event) => {
    const captured = await recordsOfAwsEvent(event, { own, services });
    if (captured === undefined) metrics.addMetric(METRIC.captureIgnored, 'Count', 1);
    else for (const { batchId, records } of batchesOf(captured)) await queue.spool(batchId, records);
  });
