import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDbBundles } from '#ledger/adapters/dynamodb-bundles.ts';
import { dynamoDbHead } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbSeals } from '#ledger/adapters/dynamodb-seals.ts';
import { kmsSigner } from '#ledger/adapters/kms-signer.ts';
import { s3Checkpoints } from '#ledger/adapters/s3-checkpoints.ts';
import { s3Tiles } from '#ledger/adapters/s3-tiles.ts';
import { type SealOutcome, type Signer, sealLedger } from '#ledger/seal.ts';
import { dynamoDb, keyManagement, objectStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { logger } from '#platform/telemetry.ts';

const environment = readEnvironment({
  LEDGER_TABLE: z.string(),
  LEDGER_HEADS_TABLE: z.string(),
  SEALS_TABLE: z.string(),
  TILES_BUCKET: z.string(),
  CHECKPOINTS_BUCKET: z.string(),
  SIGNING_KEY_ARN: z.string(),
  LEDGER_ORIGIN: z.string(),
});

const tables = dynamoDb();
const objects = objectStore();
const keys = keyManagement();
const head = dynamoDbHead(tables, { heads: environment.LEDGER_HEADS_TABLE });

/** Asked for when there is something to sign, and once: the public half of a key doesn't change. */
let signer: Promise<Signer> | undefined;
const theSigner = (): Promise<Signer> => {
  signer ??= kmsSigner(keys, environment.SIGNING_KEY_ARN, environment.LEDGER_ORIGIN);
  signer.catch(() => {
    signer = undefined;
  });
  return signer;
};

/** Called by a schedule every minute: signs what is new in the ledger, and does next to nothing when nothing is. */
export const handler = middy<unknown, SealOutcome, Error, Context>()
  .use(injectLambdaContext(logger))
  .handler(async () => {
    const outcome = await sealLedger({
      seals: dynamoDbSeals(tables, environment.SEALS_TABLE),
      tiles: s3Tiles(objects, environment.TILES_BUCKET),
      vault: s3Checkpoints(objects, environment.CHECKPOINTS_BUCKET),
      signer: theSigner,
      head,
      bundle: dynamoDbBundles(tables, environment.LEDGER_TABLE),
      now: () => new Date(),
    });
    if (outcome.outcome === 'sealed') logger.info('checkpoint sealed', { ...outcome });
    return outcome;
  });
