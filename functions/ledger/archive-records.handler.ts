import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbArchives, removeArchived } from '#ledger/adapters/dynamodb-archives.ts';
import { dynamoDbBundles } from '#ledger/adapters/dynamodb-bundles.ts';
import { dynamoDbHoldReader } from '#ledger/adapters/dynamodb-holds.ts';
import { dynamoDbHead } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { dynamoDbCheckpoints, dynamoDbProgress } from '#ledger/adapters/dynamodb-seals.ts';
import { kmsVkey } from '#ledger/adapters/kms-signer.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { s3Archive } from '#ledger/adapters/s3-archive.ts';
import { s3TileReader } from '#ledger/adapters/s3-tiles.ts';
import { type ArchiveOutcome, archiveLedger } from '#ledger/archive-ledger.ts';
import { archivedPath } from '#ledger/archived-bundle.ts';
import { BUNDLE_SIZE } from '#ledger/keys.ts';
import { parseVkey } from '#ledger/signed-note.ts';
import { systemActor } from '#platform/actor.ts';
import { dynamoDb, keyManagement, lambdaInvoker, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { logger } from '#platform/telemetry.ts';

const environment = readEnvironment({
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  LEDGER_PERSONAL_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
  SEALS_TABLE: z.string(),
  ARCHIVES_TABLE: z.string(),
  HOLDS_TABLE: z.string(),
  ARCHIVE_BUCKET: z.string(),
  /** Whether a copy must be locked before the table gives up the records. */
  ARCHIVE_MUST_BE_LOCKED: z.enum(['true', 'false']),
  ARCHIVE_AFTER_SECONDS: z.coerce.number().int().min(0),
  TILES_BUCKET: z.string(),
  SIGNING_KEY_ARN: z.string(),
  LEDGER_ORIGIN: z.string(),
});

const tables = dynamoDb();
const objects = objectStore();
const keys = keyManagement();
const seals = dynamoDbCheckpoints(tables, environment.SEALS_TABLE);
const writer = lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN);

/** Time for one more bundle, at its slowest. */
const BUNDLE_MILLISECONDS = 45_000;

const tell = async ({ bundle, sha256 }: { bundle: number; sha256: string }): Promise<void> => {
  const first = bundle * BUNDLE_SIZE;
  await writer.append(`archive/${bundle}`, [
    {
      event: { type: 'ledger.archived', timestamp: new Date().toISOString() },
      change: {},
      actor: systemActor('archive-records'),
      data: { first, last: first + BUNDLE_SIZE - 1, object: archivedPath(bundle), sha256 },
    },
  ]);
};

/** Called by a schedule every hour, and when a legal hold was put or lifted. */
export const handler = middy<unknown, ArchiveOutcome, Error, Context>()
  .use(injectLambdaContext(logger))
  .handler(async (_event, context) => {
    const outcome = await archiveLedger(
      {
        key: parseVkey(await kmsVkey(keys, environment.SIGNING_KEY_ARN, environment.LEDGER_ORIGIN)),
        head: dynamoDbHead(tables, { heads: environment.LEDGER_HEADS_TABLE }),
        verifiedSize: async () => (await dynamoDbProgress(tables, environment.SEALS_TABLE).read()) ?? 0,
        covering: async (size) => (await seals.checkpointsFrom(size, 1))[0],
        tiles: s3TileReader(objects, environment.TILES_BUCKET),
        table: dynamoDbBundles(tables, environment.LEDGER_TABLE),
        remove: removeArchived(tables, {
          ledger: environment.LEDGER_TABLE,
          archives: environment.ARCHIVES_TABLE,
          holds: environment.HOLDS_TABLE,
        }),
        archive: s3Archive(objects, environment.ARCHIVE_BUCKET),
        register: dynamoDbArchives(tables, environment.ARCHIVES_TABLE),
        holds: dynamoDbHoldReader(tables, environment.HOLDS_TABLE),
        personal: dynamoDbPersonal(tables, environment.LEDGER_PERSONAL_TABLE),
        tell,
        now: () => new Date(),
        isTimeLeft: () => context.getRemainingTimeInMillis() > BUNDLE_MILLISECONDS,
      },
      {
        keepMilliseconds: environment.ARCHIVE_AFTER_SECONDS * 1_000,
        mustBeLocked: environment.ARCHIVE_MUST_BE_LOCKED === 'true',
      },
    );
    logger.info('ledger archived', { ...outcome });
    return outcome;
  });
