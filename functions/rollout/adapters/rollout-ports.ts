import { queueLedgerSpool } from '#ledger/adapters/queue-ledger-spool.ts';
import {
  cloudWatch,
  dynamoDb,
  IMPATIENT,
  lambdaInvoker,
  parameterStore,
  queues,
  SHIFTING,
  WORKING_IMPATIENT,
} from '#platform/clients.ts';
import { perRegion } from '#platform/per-region.ts';
import { logger } from '#platform/telemetry.ts';
import type { MetricHost, Reach } from '#policy/outbound-schema.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { cloudWatchSource } from '#rollout/adapters/cloudwatch-metrics.ts';
import { hookCaller } from '#rollout/adapters/hook-caller.ts';
import { lambdaSource } from '#rollout/adapters/lambda-metrics.ts';
import { prometheusSource } from '#rollout/adapters/prometheus-metrics.ts';
import { shifterForTarget } from '#rollout/adapters/shifter-for.ts';
import { sourceFor } from '#rollout/adapters/source-for.ts';
import { ssmTokens } from '#rollout/adapters/ssm-tokens.ts';
import type { HookCaller } from '#rollout/hooks.ts';
import type { RestorePorts } from '#rollout/restore.ts';
import type { ShiftPorts } from '#rollout/shift.ts';

interface StateEnvironment {
  readonly RELEASES_TABLE: string;
  readonly LEDGER_WRITER_ARN: string;
}

/** The real ports behind everything that moves traffic forward. */
export const shiftPorts = (environment: StateEnvironment): ShiftPorts => ({
  ...releasePorts(environment),
  shifter: shifterForTarget,
});

/** The real ports behind everything that brings traffic back. */
export const restorePorts = (
  environment: StateEnvironment & { readonly LATE_RECORDS_QUEUE_URL: string },
): RestorePorts => ({
  ...releasePorts(environment, {
    dynamoDb: dynamoDb(IMPATIENT),
    invoker: lambdaInvoker(WORKING_IMPATIENT),
  }),
  shifter: shifterForTarget,
  spool: queueLedgerSpool(queues(IMPATIENT), environment.LATE_RECORDS_QUEUE_URL),
  onTrouble: (what, error) => logger.error(what, { error }),
});

/** For a team's own function, which may start cold; twice fits into a look, with what comes after. */
const METRICS = { attempts: 2, seconds: 8 };

interface MetricEnvironment {
  readonly METRIC_HOSTS: readonly MetricHost[];
  readonly OUTBOUND_REACH: Reach;
}

/** Whoever a service's hooks call. */
export const hookPort = ({
  HOOK_HOSTS,
  OUTBOUND_REACH,
}: {
  readonly HOOK_HOSTS: readonly MetricHost[];
  readonly OUTBOUND_REACH: Reach;
}): HookCaller =>
  hookCaller(lambdaInvoker(SHIFTING), {
    rules: { hosts: HOOK_HOSTS.map(({ host }) => host), reach: OUTBOUND_REACH },
    tokenFor: ssmTokens(parameterStore(), HOOK_HOSTS),
  });

/** Whatever source a service's definition names. */
export const metricSource = ({ METRIC_HOSTS, OUTBOUND_REACH }: MetricEnvironment) =>
  sourceFor({
    cloudwatch: cloudWatchSource(perRegion(cloudWatch)),
    lambda: lambdaSource(lambdaInvoker(METRICS)),
    prometheus: prometheusSource({
      rules: { hosts: METRIC_HOSTS.map(({ host }) => host), reach: OUTBOUND_REACH },
      tokenFor: ssmTokens(parameterStore(), METRIC_HOSTS),
    }),
  });
