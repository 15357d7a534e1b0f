import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import type { LedgerWriter } from '#ledger/append.ts';
import { dynamoDb, lambdaInvoker, stepFunctions } from '#platform/clients.ts';
import { dynamoDbReleases } from '#releases/adapters/dynamodb-releases.ts';
import { stepFunctionsExecutions } from '#releases/adapters/step-functions-executions.ts';
import type { Executions } from '#releases/launch-release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

interface StateEnvironment {
  readonly RELEASES_TABLE: string;
  readonly LEDGER_WRITER_ARN: string;
}

/** The real ports behind every function that keeps the state of releases, from its environment. */
export const releasePorts = (
  environment: StateEnvironment,
  clients = { dynamoDb: dynamoDb(), invoker: lambdaInvoker() },
): { releases: ReleaseStore; ledger: LedgerWriter; now: () => string } => ({
  releases: dynamoDbReleases(clients.dynamoDb, environment.RELEASES_TABLE),
  ledger: lambdaLedgerWriter(clients.invoker, environment.LEDGER_WRITER_ARN),
  now: () => new Date().toISOString(),
});

export const executionPorts = (environment: {
  readonly RELEASE_WORKFLOW_ARN: string;
  readonly RECOVERY_WORKFLOW_ARN: string;
}): { executions: Executions } => ({
  executions: stepFunctionsExecutions(stepFunctions(), {
    release: environment.RELEASE_WORKFLOW_ARN,
    recovery: environment.RECOVERY_WORKFLOW_ARN,
  }),
});
