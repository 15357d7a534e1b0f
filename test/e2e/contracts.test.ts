import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { dynamoDbReleases } from '#releases/adapters/dynamodb-releases.ts';
import { lambdaAliasShifter } from '#rollout/adapters/lambda-alias-shifter.ts';
import { ALIAS, createCheckout, VARIANTS } from '../../local/demo/checkout.ts';
import { ledgerContract } from '../ledger/ledger-contract.ts';
import { releaseStoreContract } from '../releases/release-store-contract.ts';
import { trafficShifterContract } from '../rollout/traffic-shifter-contract.ts';
import { awsSettings, world } from './harness.ts';

/** The same suites that the fakes pass, on the deployed tables, the deployed writer and a real alias. */
const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(awsSettings), {
  marshallOptions: { removeUndefinedValues: true },
});
const lambda = new LambdaClient(awsSettings);

releaseStoreContract('DynamoDB, deployed', () => dynamoDbReleases(dynamo, 'sluice-releases'));

ledgerContract('the deployed writer', () => ({
  writer: lambdaLedgerWriter(lambda, 'sluice-append-records'),
  reader: dynamoDbLedgerReader(dynamo, { ledger: 'sluice-ledger', heads: 'sluice-ledger-heads' }),
}));

trafficShifterContract('a Lambda alias, deployed', async () => {
  const functionName = `checkout-${randomBytes(4).toString('hex')}`;
  await createCheckout(world.endpoint, functionName);
  const target = { kind: 'lambda-alias', functionName, alias: ALIAS } as const;
  return {
    shifter: lambdaAliasShifter(lambda),
    target,
    missingTarget: { ...target, alias: 'nowhere' },
    stable: VARIANTS.stable.version,
    canary: VARIANTS.good.version,
    other: VARIANTS.slow.version,
    missing: '77',
  };
});
