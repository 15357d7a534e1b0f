import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { TargetOwners } from '#policy/target-ownership.ts';
import { policyTasks } from '#policy/tasks.ts';

const UNKNOWN = { kind: 'unknown', text: 'check-ownership did not answer; its log says why' } as const;

/**
 * Through check-ownership, the only function that may read templates. Whatever keeps it from answering is an answer
 * too: who owns a target is worth a warning, not an outage.
 */
export const lambdaOwners = (
  client: LambdaClient,
  checkArn: string,
  onTrouble: (error: unknown) => void,
): TargetOwners => ({
  ownershipOf: async (targets) => {
    try {
      const output = await client.send(
        new InvokeCommand({ FunctionName: checkArn, Payload: Buffer.from(JSON.stringify({ targets })) }),
      );
      const text = output.Payload?.transformToString() ?? '';
      if (output.FunctionError !== undefined) throw new Error(`check-ownership failed: ${text}`);
      const { owners } = policyTasks.CheckOwnership.output.parse(JSON.parse(text));
      if (owners.length !== targets.length) throw new Error('check-ownership answered for other targets');
      return owners;
    } catch (error) {
      onTrouble(error);
      return targets.map(() => UNKNOWN);
    }
  },
});
