import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { killSwitches } from '#policy/adapters/policy-ports.ts';
import { switchesEnvironment } from '#policy/environment.ts';
import { restorePorts } from '#rollout/adapters/rollout-ports.ts';
import { alarmOf } from '#rollout/alarm-event.ts';
import { restoreEnvironment } from '#rollout/environment.ts';
import { heedAlarm } from '#rollout/heed-alarm.ts';

const environment = readEnvironment({ ...restoreEnvironment, ...switchesEnvironment });
const ports = restorePorts(environment);
const switches = killSwitches(environment);

/**
 * Called for every alarm of the account that is raised; most guard nothing. A failure is thrown, so that Lambda tries
 * again and then keeps the event; the next look at the release asks for the alarm too.
 */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event) => {
    const alarm = alarmOf(event);
    if (alarm === undefined) return;
    const { states } = await switches.read();
    for (const { releaseId, result } of await heedAlarm(ports, alarm, states)) {
      logger.warn('guard alarm heeded', { releaseId, alarm: alarm.name, result });
      if (result !== 'noted') metrics.addMetric(METRIC.guardAlarmHeeded, 'Count', 1);
    }
  });
