import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import type { LedgerWriter } from '#ledger/append.ts';
import { dynamoDb, lambdaInvoker, stepFunctions } from '#platform/clients.ts';
import { dynamoDbReleases } from '#releases/adapters/dynamodb-releases.ts';
import { stepFunctionsExecutions } from '#releases/adapters/step-functions-executions.ts';
import type { Executions } from '#releases/launch-release.ts';
import type { ReleaseStore } from '#releases/release-store.ts';

/** The real ports behind the functions of this slice, from their environment. */
export const releasePorts = (environment: {
  readonly RELEASES_TABLE: string;
  readonly LEDGER_WRITER_ARN: string;
}): { releases: ReleaseStore; ledger: LedgerWriter; now: () => string } => ({
  releases: dynamoDbReleases(dynamoDb(), environment.RELEASES_TABLE),
  ledger: lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN),
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
