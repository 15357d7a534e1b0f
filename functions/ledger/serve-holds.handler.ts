import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { dynamoDbHolds } from '#ledger/adapters/dynamodb-holds.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { liftHold, putHold } from '#ledger/change-hold.ts';
import { holdRoutes } from '#ledger/hold-routes.ts';
import { orTransient } from '#platform/aws-errors.ts';
import { dynamoDb, lambda, lambdaInvoker } from '#platform/clients.ts';
import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';

const environment = readEnvironment({
  HOLDS_TABLE: z.string(),
  LEDGER_WRITER_ARN: z.string(),
  ARCHIVER_ARN: z.string(),
});

const holds = dynamoDbHolds(dynamoDb(), environment.HOLDS_TABLE);
const ports = { holds, ledger: lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN) };
const archiver = lambda();

/** What is archived already gets its hold, or loses it, by the archiver: now, and not only when its day has come. */
const wakeArchiver = async (): Promise<void> => {
  const command = new InvokeCommand({ FunctionName: environment.ARCHIVER_ARN, InvocationType: 'Event' });
  await orTransient('the archiver', archiver.send(command));
};

const HOLD_ID_DIGITS = 26;

export const handler = serveRoutes(holdRoutes)({
  listHolds: async () => ({ status: 200, body: { holds: [...(await holds.read()).holds] } }),

  putHold: async ({ body, caller, idempotencyKey, requestId }) => {
    const { actor: by } = caller;
    const holdId = `hold_${digestOf([by.login, idempotencyKey ?? requestId]).slice(0, HOLD_ID_DIGITS)}`;
    const hold = await putHold(ports, { ...body, holdId, by, at: new Date().toISOString() });
    await wakeArchiver();
    return { status: 200, body: hold };
  },

  liftHold: async ({ params, body, caller, idempotencyKey, requestId }) => {
    const { actor: by } = caller;
    const key = digestOf([by.login, idempotencyKey ?? requestId]);
    const hold = await liftHold(ports, { ...params, ...body, key, by, at: new Date().toISOString() });
    await wakeArchiver();
    return { status: 200, body: hold };
  },
});
