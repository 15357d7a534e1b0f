import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { cloudWatchAlarms } from '#rollout/adapters/cloudwatch-alarms.ts';

const client = new CloudWatchClient({ region: 'eu-central-1' });
const cloudWatch = mockClient(client);
const alarms = cloudWatchAlarms(client);

beforeEach(() => cloudWatch.reset());

describe('the states of alarms', () => {
  it('are of metric and composite alarms, by name', async () => {
    cloudWatch.on(DescribeAlarmsCommand).resolves({
      MetricAlarms: [{ AlarmName: 'slow', StateValue: 'OK' }],
      CompositeAlarms: [{ AlarmName: 'all of it', StateValue: 'ALARM' }],
    });
    expect(await alarms.states(['slow', 'all of it', 'absent'])).toEqual([
      { name: 'slow', state: 'OK' },
      { name: 'all of it', state: 'ALARM' },
    ]);
    // CloudWatch leaves composite alarms out unless it is asked for them.
    expect(cloudWatch.commandCalls(DescribeAlarmsCommand)[0]?.args[0].input).toMatchObject({
      AlarmNames: ['slow', 'all of it', 'absent'],
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
    });
  });

  it.each(['AccessDeniedException', 'ThrottlingException', 'TimeoutError'])(
    'are not known when CloudWatch answers with %s',
    async (name) => {
      cloudWatch.on(DescribeAlarmsCommand).rejects(Object.assign(new Error('no'), { name }));
      const asked = alarms.states(['slow']);
      await expect(asked).rejects.toBeInstanceOf(TransientError);
      await expect(asked).rejects.toThrow(name);
    },
  );

  it('are not known when CloudWatch answers with a state that there is not', async () => {
    cloudWatch
      .on(DescribeAlarmsCommand)
      .resolves({ MetricAlarms: [{ AlarmName: 'slow', StateValue: 'FINE' as never }] });
    await expect(alarms.states(['slow'])).rejects.toBeInstanceOf(TransientError);
  });
});
