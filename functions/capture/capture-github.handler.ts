import * as z from 'zod';
import { ssmSecrets } from '#capture/adapters/ssm-secrets.ts';
import { recordOfDelivery } from '#capture/github-delivery.ts';
import { deliveryOf } from '#capture/github-request.ts';
import { isSignedByGithub } from '#capture/github-signature.ts';
import { captureRoutes } from '#capture/routes.ts';
import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import { parameterStore, queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { UnauthenticatedError } from '#platform/errors.ts';
import { METRIC } from '#platform/metric-names.ts';
import { type SignedRequest, serveRoutes } from '#platform/serve-routes.ts';
import { logger, metrics } from '#platform/telemetry.ts';

const list = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(z.string()));

const environment = readEnvironment({
  CAPTURES_QUEUE_URL: z.string(),
  WEBHOOK_PARAMETERS: list,
  INFRASTRUCTURE_PATHS: list,
  SECURITY_PATHS: list,
});

const secretsOf = ssmSecrets(parameterStore(), environment.WEBHOOK_PARAMETERS);
const queue = queueLedgerSpool(queues(), environment.CAPTURES_QUEUE_URL);
const rules = { infrastructure: environment.INFRASTRUCTURE_PATHS, security: environment.SECURITY_PATHS };

/**
 * Nothing of a delivery is read before.
 * @throws UnauthenticatedError for whatever no secret of ours has signed.
 * @throws TransientError when a secret that may have signed it could not be read.
 */
const requireSignature = async ({ bytes, headers }: SignedRequest): Promise<void> => {
  const { secrets, unusable, unread } = await secretsOf();
  if (unusable.length > 0) logger.warn('webhook secrets are not usable', { parameters: unusable });
  if (unread !== undefined) logger.warn('webhook secrets could not be read', { error: unread });
  if (isSignedByGithub(bytes, headers['x-hub-signature-256'], secrets)) return;
  if (unread !== undefined) throw unread;
  throw new UnauthenticatedError(
    "the signature is not one of this stage's webhook secrets: set the same secret in GitHub and in the parameter",
  );
};

const receive = async (signed: SignedRequest): Promise<{ delivery: string; captured: boolean }> => {
  await requireSignature(signed);
  const delivery = deliveryOf(signed, new Date().toISOString());
  const record = recordOfDelivery(delivery, rules);
  if (record === undefined) {
    metrics.addMetric(METRIC.captureIgnored, 'Count', 1);
    logger.info('delivery is of no kind that is captured', { delivery: delivery.id, kind: delivery.kind });
    return { delivery: delivery.id, captured: false };
  }
  await queue.spool(`github/${delivery.id}`, [record]);
  return { delivery: delivery.id, captured: true };
};

/**
 * GitHub's door: verified, mapped, queued, answered; append-records takes it from the queue. GitHub tries no delivery twice
 * by itself, so every one that says to be GitHub's and is not taken is counted, for the alarm.
 */
export const handler = serveRoutes(captureRoutes)({
  receiveGithub: async ({ signed }) => {
    try {
      return { status: 202, body: await receive(signed) };
    } catch (error) {
      if (signed.headers['x-github-delivery'] !== undefined)
        metrics.addMetric(METRIC.deliveryRefused, 'Count', 1);
      throw error;
    }
  },
});
