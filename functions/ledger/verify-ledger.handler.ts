import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbBundles } from '#ledger/adapters/dynamodb-bundles.ts';
import { dynamoDbCheckpoints, dynamoDbProgress } from '#ledger/adapters/dynamodb-seals.ts';
import { kmsVkey } from '#ledger/adapters/kms-signer.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { s3ArchivedBundles } from '#ledger/adapters/s3-archive.ts';
import { copyCheckpoint, s3LockedCheckpoint } from '#ledger/adapters/s3-checkpoints.ts';
import { s3BundleReader, s3TileReader } from '#ledger/adapters/s3-tiles.ts';
import { withArchive } from '#ledger/archived-bundle.ts';
import { checkLedger, type SelfCheck } from '#ledger/self-check.ts';
import { parseVkey } from '#ledger/signed-note.ts';
import type { Broken } from '#ledger/verify-chain.ts';
import { systemActor } from '#platform/actor.ts';
import { dynamoDb, keyManagement, lambdaInvoker, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { LedgerIntegrityError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { logger } from '#platform/telemetry.ts';

const environment = readEnvironment({
  LEDGER_TABLE: z.string(),
  SEALS_TABLE: z.string(),
  TILES_BUCKET: z.string(),
  CHECKPOINTS_BUCKET: z.string(),
  ARCHIVE_BUCKET: z.string(),
  /** Empty where none is configured. */
  CHECKPOINT_COPIES_BUCKET: z.string(),
  SIGNING_KEY_ARN: z.string(),
  LEDGER_ORIGIN: z.string(),
  LEDGER_WRITER_ARN: z.string(),
});

/** The schedule's call asks for what is new; `{"full":true}`, by hand, for everything from the first record on. */
const inputSchema = z.strictObject({ full: z.boolean().default(false) });

/** Time for one more part of the ledger, and for recording what came of it: 45 s of checkpoints, and as many records. */
const PART_MILLISECONDS = 75_000;

const tables = dynamoDb();
const objects = objectStore();
const keys = keyManagement();
const seals = dynamoDbCheckpoints(tables, environment.SEALS_TABLE);
const progress = dynamoDbProgress(tables, environment.SEALS_TABLE);
const writer = lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN);

const ports = async () => ({
  key: parseVkey(await kmsVkey(keys, environment.SIGNING_KEY_ARN, environment.LEDGER_ORIGIN)),
  sizesAbove: seals.sizesAbove,
  locked: s3LockedCheckpoint(objects, environment.CHECKPOINTS_BUCKET),
  bundle: withArchive(dynamoDbBundles(tables, environment.LEDGER_TABLE), {
    bundle: s3ArchivedBundles(objects, environment.ARCHIVE_BUCKET),
  }),
  tiles: s3TileReader(objects, environment.TILES_BUCKET),
  bundles: s3BundleReader(objects, environment.TILES_BUCKET),
});

/** `step` holds the run's id, which is the same for each of Lambda's tries of it. */
const record = async (
  type: 'ledger.verified' | 'ledger.verification.failed',
  step: string,
  data: Readonly<Record<string, unknown>>,
): Promise<void> => {
  await writer.append(`ledger/${type}/${step}`, [
    {
      event: { type, timestamp: new Date().toISOString() },
      change: {},
      actor: systemActor('verify-ledger'),
      data,
    },
  ]);
};

/** A broken ledger may well be one that takes no record: the log and the error tell of it without one. */
const refuse = async (run: string, from: number, { fault, seq, text }: Broken): Promise<never> => {
  const facts = { from, fault, seq, text };
  logger.error('ledger does not hold', facts);
  try {
    await record('ledger.verification.failed', `${run}/${from}/${fault}/${seq}`, facts);
  } catch (error) {
    logger.error('the verdict could not be recorded', { error });
  }
  throw new LedgerIntegrityError(
    `record ${seq} (${fault}): ${text}; see the runbook, "LedgerVerificationFailed"`,
  );
};

/**
 * One part checked, and told: the copy, the record, and with it the event that carries the checkpoint out. Progress comes
 * last: a run that told of nothing is tried again from where it began.
 */
const checkPart = async (run: string, from: number): Promise<SelfCheck> => {
  const check = await checkLedger(await ports(), from);
  const { verdict, reached } = check;
  if (!verdict.ok) return refuse(run, from, verdict);
  if (reached === undefined) return check;
  if (environment.CHECKPOINT_COPIES_BUCKET !== '')
    await copyCheckpoint(objects, environment.CHECKPOINT_COPIES_BUCKET, environment.LEDGER_ORIGIN, reached);
  await record('ledger.verified', `${run}/${from}/${reached.size}`, {
    from,
    size: reached.size,
    checkpoint: reached.note,
  });
  await progress.save(reached.size, new Date());
  return check;
};

/**
 * Called by a schedule every night: verifies what was signed since the last time, records that it did with the newest
 * checkpoint in the record, and so sends that checkpoint out on the bus. Fails, which is an alarm, when anything is wrong.
 */
export const handler = middy<unknown, { from: number; size: number; more: boolean }, Error, Context>()
  .use(injectLambdaContext(logger))
  .handler(async (event, context) => {
    const { full } = parseOrRefuse(inputSchema, event ?? {}, 'the request');
    const start = full ? 0 : ((await progress.read()) ?? 0);
    let size = start;
    for (;;) {
      const { reached, more } = await checkPart(context.awsRequestId, size);
      size = reached?.size ?? size;
      logger.info('ledger verified', { from: start, size, more });
      if (!more || context.getRemainingTimeInMillis() < PART_MILLISECONDS) return { from: start, size, more };
    }
  });
