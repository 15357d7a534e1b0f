import { type CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { TransientError } from '#platform/errors.ts';
import type { AlarmReader } from '#rollout/guards.ts';
import { guardAlarmSchema } from '#rollout/judge/look.ts';

/** Alarms of the function's own account and region, composite ones too, which are not in the answer unless asked for. */
export const cloudWatchAlarms = (client: CloudWatchClient): AlarmReader => ({
  states: async (names) => {
    const command = new DescribeAlarmsCommand({
      AlarmNames: [...names],
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
      MaxRecords: 100,
    });
    try {
      const { MetricAlarms = [], CompositeAlarms = [] } = await client.send(command);
      return [...MetricAlarms, ...CompositeAlarms].map(({ AlarmName, StateValue }) =>
        guardAlarmSchema.parse({ name: AlarmName, state: StateValue }),
      );
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : 'an unknown error';
      throw new TransientError(`CloudWatch did not tell the state of alarms: ${name}`, { cause });
    }
  },
});
