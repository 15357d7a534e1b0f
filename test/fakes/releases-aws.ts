import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import type { Freeze } from '#releases/freeze.ts';
import { memoryLedger } from './memory-ledger.ts';

type Item = Record<string, unknown>;

const named = (name: string) => Object.assign(new Error(name), { name });
const keyOf = ({ pk, sk, service }: Item): string => (pk === undefined ? `${service}` : `${pk}|${sk}`);
const arnOf = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/**
 * As much of AWS as the handlers of the releases slice call, behind the real clients: items with conditional puts and plain
 * updates, executions by name, a queue, and the ledger's writer behind its function.
 */
export const releasesAws = () => {
  const items = new Map<string, Item>();
  const executions = new Map<string, string>();
  const queued: unknown[] = [];
  const ledger = memoryLedger();
  const dynamo = mockClient(DynamoDBDocumentClient);
  const sfn = mockClient(SFNClient);
  const sqs = mockClient(SQSClient);
  const lambda = mockClient(LambdaClient);
  const flags = mockClient(AppConfigDataClient);

  flags.on(StartConfigurationSessionCommand).resolves({ InitialConfigurationToken: 'first' });
  flags.on(GetLatestConfigurationCommand).callsFake(async () => ({
    NextPollConfigurationToken: 'next',
    Configuration: new TextEncoder().encode('{}'),
  }));
  dynamo.on(GetCommand).callsFake(async ({ Key }) => ({ Item: items.get(keyOf(Key)) }));
  dynamo.on(QueryCommand).callsFake(async ({ ScanIndexForward }) => {
    const open = [...items.values()].filter((item) => item.open);
    return { Items: ScanIndexForward === false ? open.reverse() : open };
  });
  dynamo.on(TransactWriteCommand).callsFake(async ({ TransactItems }) => {
    const puts: Item[] = TransactItems.flatMap(({ Put }: { Put?: { Item: Item } }) => Put?.Item ?? []);
    const frozen = TransactItems.some(
      ({ ConditionCheck: check }: { ConditionCheck?: { Key: Item; ExpressionAttributeValues: Item } }) => {
        const freeze = check && (items.get(keyOf(check.Key))?.freeze as Freeze | undefined);
        return freeze !== undefined && freeze.until > String(check?.ExpressionAttributeValues[':at']);
      },
    );
    if (frozen || puts.some((item) => items.has(keyOf(item)))) throw named('TransactionCanceledException');
    for (const item of puts) items.set(keyOf(item), item);
    return {};
  });
  dynamo.on(UpdateCommand).callsFake(async (input) => {
    const before = items.get(keyOf(input.Key)) ?? {};
    const set = [...String(input.UpdateExpression).matchAll(/#(\w+) = (:\w+)/g)].map(
      ([, name, value]) => [name, input.ExpressionAttributeValues[value ?? '']] as const,
    );
    items.set(keyOf(input.Key), { ...before, ...Object.fromEntries(set) });
    return { Attributes: before };
  });
  sfn.on(StartExecutionCommand).callsFake(async ({ stateMachineArn, name }) => {
    const arn = arnOf(stateMachineArn, name);
    if (executions.has(arn)) throw named('ExecutionAlreadyExists');
    executions.set(arn, 'RUNNING');
    return { executionArn: arn };
  });
  sfn.on(DescribeExecutionCommand).callsFake(async ({ executionArn }) => {
    const status = executions.get(executionArn);
    if (status === undefined) throw named('ExecutionDoesNotExist');
    return { status };
  });
  sqs.on(SendMessageCommand).callsFake(async ({ MessageBody, MessageAttributes }) => {
    queued.push({ body: JSON.parse(MessageBody), reason: MessageAttributes.reason.StringValue });
    return {};
  });
  lambda.on(InvokeCommand).callsFake(async ({ Payload }) => {
    const answer = (value: unknown) => ({ transformToString: () => JSON.stringify(value) });
    try {
      const { batchId, records } = JSON.parse(Buffer.from(Payload).toString());
      return { Payload: answer(await ledger.append(batchId, records)) };
    } catch (error) {
      const { name, message } = error as Error;
      return { FunctionError: 'Unhandled', Payload: answer({ errorType: name, errorMessage: message }) };
    }
  });

  return {
    items,
    /** Status by ARN. */
    executions,
    queued,
    ledger,
    dynamo,
    sfn,
    put: (item: Item) => items.set(keyOf(item), item),
  };
};
