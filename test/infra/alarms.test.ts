import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRIC, METRIC_NAMESPACE } from '../../functions/platform/metric-names.ts';
import { ROOT, referencesIn, Synthesized } from './synthesized.ts';

const team = new Synthesized('team');
const alarms = team.all('AWS::CloudWatch::Alarm').map(({ id, Properties }) => ({
  id,
  name: String(Properties.AlarmName).replace('sluice-', ''),
  watched: Properties,
}));
const runbook = readFileSync(path.join(ROOT, 'docs', 'runbook.md'), 'utf8');

/** The runbook's sections by their titles. */
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
);

describe('the runbook', () => {
  it('has a section for each alarm, and none for an alarm that is no more', () => {
    expect([...sections.keys()].toSorted()).toEqual(alarms.map(({ name }) => name).toSorted());
  });

  it.each(alarms)('says what happened, what it means and what to do: $name', ({ name, watched }) => {
    const section = sections.get(name) ?? '';
    for (const part of ['**What happened.**', '**What it means.**', '**What to do.**'])
      expect(section).toContain(part);
    expect(watched.AlarmDescription, 'the mail leads there').toContain(`Runbook: ${name}.`);
  });

  it('leads nowhere that there is not', () => {
    for (const [, anchor = ''] of runbook.matchAll(/\]\(#([^)]+)\)/g))
      expect([...sections.keys()].map((title) => title.toLowerCase())).toContain(anchor);
  });

  it('names functions, queues, tables and workflows that there are', () => {
    const named = JSON.stringify(team.resources);
    for (const [, name = ''] of runbook.matchAll(/STACK-([a-z][a-z-]*[a-z])/g))
      expect(named).toContain(`"sluice-${name}"`);
  });
});

describe('every alarm', () => {
  it.each(alarms)('is told of, and its end too: $name', ({ watched }) => {
    for (const actions of [watched.AlarmActions, watched.OKActions]) {
      const [topic = ''] = referencesIn(actions);
      expect(team.resources[topic]?.Type).toBe('AWS::SNS::Topic');
    }
  });

  const [onSilence, onCounts] = [true, false].map((is) =>
    alarms.filter(({ name }) => (name === 'SealingStopped') === is),
  ) as [typeof alarms, typeof alarms];

  it.each(onCounts)('takes silence for good: $name', ({ watched }) => {
    expect(watched.TreatMissingData).toBe('notBreaching');
    expect(watched.ComparisonOperator).toBe('GreaterThanOrEqualToThreshold');
  });

  it.each(onSilence)('on what happens all the time takes silence for bad: $name', ({ watched }) => {
    expect(watched).toMatchObject({
      TreatMissingData: 'breaching',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      Statistic: 'Sum',
    });
  });

  it.each([
    [1, 15],
    [5, 15],
    [60, 180],
  ])('on sealing waits for three looks, and for no delay of a few minutes: every %i', (every, minutes) => {
    const stack = new Synthesized('team', { sealEveryMinutes: every });
    const [alarm] = stack
      .all('AWS::CloudWatch::Alarm')
      .filter(({ Properties }) => Properties.AlarmName === 'sluice-SealingStopped');
    const [schedule] = stack
      .all('AWS::Scheduler::Schedule')
      .filter(({ Properties }) => Properties.Name === 'sluice-sealing');
    expect(alarm?.Properties).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'Invocations' });
    expect(alarm?.Properties.Period).toBe(60 * minutes);
    const [watched = 'no function'] = referencesIn(alarm?.Properties.Dimensions);
    expect(stack.resources[watched]?.Properties).toMatchObject({ FunctionName: 'sluice-seal-checkpoint' });
    const [alias = 'no alias'] = referencesIn(schedule?.Properties.Target.Arn);
    expect(referencesIn(stack.resources[alias]?.Properties.FunctionName)).toEqual([watched]);
  });

  const ours = alarms.filter(({ watched }) => watched.Namespace === METRIC_NAMESPACE);

  it.each(ours)(
    'of ours watches what a function emits, under the name that it emits it by: $name',
    ({ watched }) => {
      const [dimension, ...others] = watched.Dimensions;
      expect(others).toEqual([]);
      expect(dimension.Name).toBe('service');
      const emitters = team
        .all('AWS::Lambda::Function')
        .filter(
          ({ Properties }) => Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME === dimension.Value,
        );
      expect(emitters).toHaveLength(1);
      const [key] = Object.entries(METRIC).find(([, metric]) => metric === watched.MetricName) ?? [];
      const [handler = ''] = globSync(`functions/*/${dimension.Value}.handler.ts`, { cwd: ROOT });
      expect(readFileSync(path.join(ROOT, handler), 'utf8')).toContain(`METRIC.${key},`);
    },
  );
});

describe('queues', () => {
  it('of letters that nobody takes have an alarm each', () => {
    for (const { id, Properties } of team.all('AWS::SQS::Queue')) {
      const watching = alarms.filter(({ watched }) => referencesIn(watched.Dimensions).includes(id));
      expect(
        watching.map(({ name }) => name),
        Properties.QueueName,
      ).toHaveLength(1);
      // A queue with letters of its own to come has somebody who takes them: there it is the age that counts.
      expect(watching[0]?.watched.MetricName).toBe(
        Properties.RedrivePolicy === undefined
          ? 'ApproximateNumberOfMessagesVisible'
          : 'ApproximateAgeOfOldestMessage',
      );
    }
  });
});

describe('the topic', () => {
  const statementsOf = (stack: Synthesized) =>
    stack.all('AWS::SNS::TopicPolicy').flatMap(({ Properties }) => Properties.PolicyDocument.Statement);

  it('takes the alarms of this stack, by TLS: with a policy of its own, the account may no longer publish by itself', () => {
    const [tls, alarm, ...others] = statementsOf(team);
    expect(others).toEqual([]);
    expect(tls).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    expect(alarm).toMatchObject({
      Effect: 'Allow',
      Action: 'sns:Publish',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    expect(JSON.stringify(alarm.Condition.ArnLike)).toContain(':alarm:sluice-*');
  });

  it('writes to the addresses of the configuration', () => {
    expect(team.all('AWS::SNS::Subscription')).toEqual([]);
    const stack = new Synthesized('team', { alarmEmails: ['a@example.com', 'b@example.com'] });
    expect(
      stack.all('AWS::SNS::Subscription').map(({ Properties }) => [Properties.Protocol, Properties.Endpoint]),
    ).toEqual([
      ['email', 'a@example.com'],
      ['email', 'b@example.com'],
    ]);
  });
});
