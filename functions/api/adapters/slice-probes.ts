import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { SliceHealth } from '#api/routes.ts';
import { ledgerHealth } from '#ledger/adapters/ledger-health.ts';
import { logger } from '#platform/telemetry.ts';
import { serviceKey } from '#policy/keys.ts';
import { lockKey } from '#releases/keys.ts';

export interface Probed {
  readonly releasesTable: string;
  readonly servicesTable: string;
  readonly ledgerTable: string;
  readonly ledgerHeadsTable: string;
  readonly rolloutWorkflowArns: readonly string[];
}

type Probe = readonly [SliceHealth['slice'], () => Promise<Omit<SliceHealth, 'slice'>>];

/** The cheapest read that fails when the slice can't work; what it reads need not exist. */
const readable = async (
  client: DynamoDBDocumentClient,
  table: string,
  key: Record<string, string>,
): Promise<Omit<SliceHealth, 'slice'>> => {
  await client.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }));
  return { status: 'ok', detail: 'state can be read' };
};

export const sliceProbes = (
  dynamo: DynamoDBDocumentClient,
  workflows: SFNClient,
  probed: Probed,
): readonly Probe[] => [
  ['releases', () => readable(dynamo, probed.releasesTable, lockKey('-', '-'))],
  ['policy', () => readable(dynamo, probed.servicesTable, serviceKey('-'))],
  [
    'rollout',
    async () => {
      for (const stateMachineArn of probed.rolloutWorkflowArns)
        await workflows.send(new DescribeStateMachineCommand({ stateMachineArn }));
      return { status: 'ok', detail: 'workflows are there' };
    },
  ],
  [
    'ledger',
    async () => {
      const { status, detail } = await ledgerHealth(dynamo, {
        ledger: probed.ledgerTable,
        heads: probed.ledgerHeadsTable,
      });
      return { status, detail };
    },
  ],
];

/** Every slice asked side by side; one that can't answer is down, and the log says why. */
export const probeAll = (probes: readonly Probe[]): Promise<readonly SliceHealth[]> =>
  Promise.all(
    probes.map(async ([slice, probe]): Promise<SliceHealth> => {
      try {
        return { slice, ...(await probe()) };
      } catch (error) {
        logger.error('slice is down', { slice, error });
        return { slice, status: 'down', detail: 'does not answer; its log says why' };
      }
    }),
  );
