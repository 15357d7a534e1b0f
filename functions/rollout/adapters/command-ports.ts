import { dynamoDb, parameterStore } from '#platform/clients.ts';
import { newReleaseId } from '#platform/new-id.ts';
import { perRegion } from '#platform/per-region.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { killSwitches, type SwitchesEnvironment } from '#policy/adapters/policy-ports.ts';
import { executionPorts, releasePorts } from '#releases/adapters/release-ports.ts';
import type { Asked } from '#releases/asked.ts';
import type { Release } from '#releases/release.ts';
import type { RequestPorts } from '#releases/request-release.ts';
import { restorePorts } from '#rollout/adapters/rollout-ports.ts';
import { ssmRescueCopies } from '#rollout/adapters/ssm-rescue-copies.ts';
import { type Command, type CommandPorts, type Obeyed, obey } from '#rollout/command.ts';
import { retryRelease } from '#rollout/retry.ts';

interface CommandEnvironment extends SwitchesEnvironment {
  readonly RELEASES_TABLE: string;
  readonly LEDGER_WRITER_ARN: string;
  readonly LATE_RECORDS_QUEUE_URL: string;
  readonly RELEASE_WORKFLOW_ARN: string;
  readonly RECOVERY_WORKFLOW_ARN: string;
  readonly SERVICES_TABLE: string;
  readonly PRODUCTION_STRATEGIES: RequestPorts['productionStrategies'];
  readonly RESCUE_PREFIX: string;
  readonly AWS_REGION: string;
}

/**
 * What every door for commands does with one. Bringing traffic back is not patient, asking for a release is.
 * @param take how this door takes a release in, which says who records a refusal
 */
export const commandPorts = (
  environment: CommandEnvironment,
  take: (ports: RequestPorts, asked: Asked) => Promise<Release>,
): { readonly restore: CommandPorts; readonly follow: (command: Command) => Promise<Obeyed> } => {
  const restore = {
    ...restorePorts(environment),
    rescue: ssmRescueCopies(perRegion(parameterStore), {
      prefix: environment.RESCUE_PREFIX,
      region: environment.AWS_REGION,
    }),
  };
  const request: RequestPorts = {
    ...releasePorts(environment),
    ...executionPorts(environment),
    services: dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE),
    productionStrategies: environment.PRODUCTION_STRATEGIES,
    switches: killSwitches(environment),
  };
  const retry = {
    releases: request.releases,
    request: (asked: Asked) => take(request, asked),
    newReleaseId: () => newReleaseId(new Date()),
  };
  return {
    restore,
    follow: ({ name, ...command }) =>
      name === 'retry' ? retryRelease(retry, { name, ...command }) : obey(restore, { name, ...command }),
  };
};
