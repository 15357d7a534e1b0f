import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { apiClient } from '../../cli/api-client.ts';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/credentials.ts';
import { ALIAS, CHECKOUT, createCheckout, demoMetrics } from '../../local/demo/checkout.ts';
import { createPerson, newPassword, signIn } from '../../local/people.ts';
import type { World } from '../../local/world.ts';
import { ALARM, type Bench } from './ways.ts';

export const CANARY_PERCENT = 25;

/** The service, with an alarm to guard it and a first stage that lasts. */
export const prepare = async (world: World): Promise<Bench> => {
  const password = newPassword();
  await createPerson(world.pool, 'olive', password, ['operator', 'auditor']);
  const token = await signIn(world.pool, 'olive', password);
  const api = apiClient(world.apiUrl, async () => token);
  const settings = { endpoint: world.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
  await createCheckout(world.endpoint);
  const cloudWatch = new CloudWatchClient(settings);
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName: ALARM,
      Namespace: 'Bench',
      MetricName: ALARM,
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
    }),
  );
  await cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: ALARM, StateValue: 'OK', StateReason: 'nothing is wrong' }),
  );
  cloudWatch.destroy();
  await api.call(serviceRoutes.putService, {
    params: { service: CHECKOUT },
    body: {
      environments: {
        production: {
          target: { kind: 'lambda-alias', functionName: CHECKOUT, alias: ALIAS },
          plan: {
            stages: [
              { weightPercent: CANARY_PERCENT, rounds: 1, roundSeconds: 600 },
              { weightPercent: 100, rounds: 1, roundSeconds: 2 },
            ],
            watchSeconds: 0,
          },
          guardAlarms: [ALARM],
          metrics: demoMetrics,
          judge: { minimumCanaryRequests: 20 },
        },
      },
    },
  });
  return { api, lambda: new LambdaClient(settings) };
};
