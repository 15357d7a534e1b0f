import { randomUUID } from 'node:crypto';
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeRuleCommand, EventBridgeClient, TestEventPatternCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, test } from 'vitest';
import { ALARM_EVENT } from '../../functions/rollout/alarm-event.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { newName } from './doors/services.ts';
import {
  awsSettings,
  createService,
  ended,
  eventually,
  fault,
  getRelease,
  recorded,
  type TestService,
} from './harness.ts';
import { expectSound } from './invariants.ts';

const events = new EventBridgeClient(awsSettings);
const lambda = new LambdaClient(awsSettings);
const cloudWatch = new CloudWatchClient(awsSettings);

/** As CloudWatch documents it. */
const changed = (alarmName: string, value = 'ALARM', at = new Date()) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': ALARM_EVENT,
  source: 'aws.cloudwatch',
  account: '000000000000',
  time: at.toISOString(),
  region: 'us-east-1',
  resources: [`arn:aws:cloudwatch:us-east-1:000000000000:alarm:${alarmName}`],
  detail: {
    alarmName,
    configuration: {},
    previousState: { value: 'OK' },
    state: { value, reason: 'a test said so', timestamp: at.toISOString().replace('Z', '+0000') },
  },
});

/**
 * The local AWS puts no state changes on the bus, and no bus takes events in the name of AWS: the function is called as
 * the rule calls it.
 */
const handOn = async (event: object): Promise<void> => {
  const Payload = Buffer.from(JSON.stringify(event));
  await lambda.send(
    new InvokeCommand({ FunctionName: 'sluice-heed-alarm', InvocationType: 'Event', Payload }),
  );
};

/** An alarm of the test's own, over a metric that nobody emits, in the state that the test sets. */
const createAlarm = async (): Promise<{
  readonly name: string;
  set(state: 'OK' | 'ALARM'): Promise<void>;
}> => {
  const name = newName('guard');
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName: name,
      Namespace: 'Test',
      MetricName: name,
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
    }),
  );
  const set = async (StateValue: 'OK' | 'ALARM') => {
    await cloudWatch.send(
      new SetAlarmStateCommand({ AlarmName: name, StateValue, StateReason: 'a test said so' }),
    );
  };
  await set('OK');
  return { name, set };
};

/** One round would do, and the deadline is far. */
const PATIENT_PLAN = {
  stages: [
    { weightPercent: 25, rounds: 1, roundSeconds: 2 },
    { weightPercent: 100, rounds: 1, roundSeconds: 2 },
  ],
  stageDeadlineSeconds: 120,
  watchSeconds: 0,
};

type Guarded = { readonly alarm: Awaited<ReturnType<typeof createAlarm>>; readonly service: TestService };

const guarded = test.extend<{ guarded: Guarded }>({
  guarded: async ({ task: _ }, use) => {
    const alarm = await createAlarm();
    const service = await createService({ guardAlarms: [alarm.name] });
    await use({ alarm, service });
    await service.stop();
  },
});

describe.concurrent('a guard alarm', () => {
  guarded(
    'that is raised brings the traffic of its release back at once',
    async ({ guarded: { alarm, service } }) => {
      const releaseId = await service.request(VARIANTS.good.version);
      await recorded(releaseId, 'release.shift.done');
      // None of these is about this release: of another alarm, over by now, raised before it was asked for.
      await handOn(changed(newName('other')));
      await handOn(changed(alarm.name, 'OK'));
      await handOn(changed(alarm.name, 'ALARM', new Date(Date.now() - 3_600_000)));
      await handOn(changed(alarm.name));
      const accepted = await recorded(releaseId, 'release.abort.accepted');
      expect(accepted.actor).toMatchObject({ login: 'heed-alarm', kind: 'system' });
      await ended(releaseId);
      const records = await expectSound(service, releaseId, {
        outcome: 'rolled-back',
        runs: VARIANTS.stable.version,
      });
      expect(records.filter(({ event }) => event.type === 'release.abort.accepted')).toHaveLength(1);
      const { reasons = [] } = await getRelease(releaseId);
      expect(reasons[0]).toMatchObject({ code: 'guard-alarm', facts: { alarm: alarm.name } });
    },
  );

  guarded('is asked for at every look, should its event be lost', async ({ guarded: { alarm, service } }) => {
    const releaseId = await service.request(VARIANTS.good.version);
    await recorded(releaseId, 'release.shift.done');
    await alarm.set('ALARM');
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.stable.version });
    const { reasons = [] } = await getRelease(releaseId);
    expect(reasons[0]).toMatchObject({
      code: 'guard-alarm',
      text: `rolled back: guard alarm ${alarm.name} is in ALARM`,
    });
  });

  test('that can not be heard lets no stage pass, and says so', async () => {
    const alarm = await createAlarm();
    const service = await createService({ guardAlarms: [alarm.name], plan: PATIENT_PLAN });
    const deaf = await fault({
      match: `DescribeAlarms[^]*${alarm.name}`,
      functionName: 'sluice-judge-health',
      action: 'refuse',
      times: 1_000,
    });
    try {
      const releaseId = await service.request(VARIANTS.good.version);
      await eventually('the stage is judged, and its guard unknown', async () => {
        const { progress } = await getRelease(releaseId);
        const isJudged = progress?.round !== undefined && progress.round >= 3;
        return isJudged && progress?.reasons?.some(({ code }) => code === 'guard-unknown') ? true : undefined;
      });
      expect((await getRelease(releaseId)).progress).toMatchObject({ stage: 0, weightPercent: 25 });
      await deaf.release();
      await ended(releaseId);
      await expectSound(service, releaseId, { outcome: 'promoted', runs: VARIANTS.good.version });
    } finally {
      await deaf.release();
      await service.stop();
    }
  });

  guarded(
    'that is raised already refuses a release before any traffic moves',
    async ({ guarded: { alarm, service } }) => {
      await alarm.set('ALARM');
      const releaseId = await service.request(VARIANTS.good.version);
      expect((await ended(releaseId)).event.type).toBe('release.refused');
      await expectSound(service, releaseId, { outcome: 'refused', runs: VARIANTS.stable.version });
      const { reasons = [] } = await getRelease(releaseId);
      expect(reasons[0]?.text).toContain(`guard alarm ${alarm.name} is in ALARM`);
    },
  );

  test('that there is not refuses a release', async () => {
    const service = await createService({ guardAlarms: [newName('absent')] });
    try {
      const releaseId = await service.request(VARIANTS.good.version);
      expect((await ended(releaseId)).event.type).toBe('release.refused');
      expect((await getRelease(releaseId)).reasons?.[0]?.text).toContain('there is no guard alarm');
    } finally {
      await service.stop();
    }
  });

  test('is let through by the rule when it is raised, and at no other time', async () => {
    const { EventPattern, EventBusName } = await events.send(
      new DescribeRuleCommand({ Name: 'sluice-alarm-raised' }),
    );
    expect(EventBusName).toBe('default');
    const passes = async (event: object) =>
      (await events.send(new TestEventPatternCommand({ EventPattern, Event: JSON.stringify(event) }))).Result;
    expect(await passes(changed('any'))).toBe(true);
    expect(await passes(changed('any', 'OK'))).toBe(false);
    expect(await passes({ ...changed('any'), source: 'my.own' })).toBe(false);
  });
});
