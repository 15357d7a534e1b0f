import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import type { Executions } from '#releases/launch-release.ts';

type Workflow = 'release' | 'recovery';

/** `arn:…:stateMachine:NAME` and an execution's name → the execution's ARN. */
const executionArn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/** The release and recovery workflows on Step Functions. */
export const stepFunctionsExecutions = (
  client: SFNClient,
  stateMachineArns: Readonly<Record<Workflow, string>>,
): Executions => ({
  start: async (workflow, name, input) => {
    try {
      await orTransient(
        'Step Functions',
        client.send(
          new StartExecutionCommand({
            stateMachineArn: stateMachineArns[workflow],
            name,
            input: JSON.stringify(input),
          }),
        ),
      );
    } catch (error) {
      // The name is ours alone, so an execution of that name is the one that was wanted.
      if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
    }
  },
  status: async (workflow, name) => {
    try {
      const { status } = await orTransient(
        'Step Functions',
        client.send(
          new DescribeExecutionCommand({ executionArn: executionArn(stateMachineArns[workflow], name) }),
        ),
      );
      return {
        status: status === 'RUNNING' || status === 'PENDING_REDRIVE' ? 'running' : 'ended',
        detail: status ?? 'unknown',
      };
    } catch (error) {
      if (isNamed(error, 'ExecutionDoesNotExist')) return { status: 'absent', detail: 'never started' };
      throw error;
    }
  },
});
