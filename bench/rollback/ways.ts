import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { ApiClient } from '../../cli/api-client.ts';
import { timelineOf } from '../../cli/timeline.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { ALARM_EVENT } from '../../functions/rollout/alarm-event.ts';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../local/credentials.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';

/** The alarm that guards the service. */
export const ALARM = 'checkout-errors';
export const POLL_MILLISECONDS = 10;

export interface Bench {
  readonly api: ApiClient;
  readonly lambda: LambdaClient;
}

/** How traffic comes back: what asks for it, and which version is released. */
export interface Way {
  readonly name: string;
  readonly version: string;
  /** Asks, and gives the time from which on it counts. */
  readonly ask: (bench: Bench, releaseId: ReleaseId) => Promise<number>;
}

/** As CloudWatch documents it. The local AWS puts no state changes on the bus: it is handed on as the rule does it. */
const raiseAlarm = async ({ lambda }: Bench): Promise<number> => {
  const began = Date.now();
  const time = new Date(began).toISOString();
  const event = {
    version: '0',
    id: randomUUID(),
    'detail-type': ALARM_EVENT,
    source: 'aws.cloudwatch',
    account: LOCAL_ACCOUNT,
    time,
    region: LOCAL_REGION,
    resources: [`arn:aws:cloudwatch:${LOCAL_REGION}:${LOCAL_ACCOUNT}:alarm:${ALARM}`],
    detail: {
      alarmName: ALARM,
      configuration: {},
      previousState: { value: 'OK' },
      state: { value: 'ALARM', reason: 'a benchmark said so', timestamp: time.replace('Z', '+0000') },
    },
  };
  await lambda.send(
    new InvokeCommand({
      FunctionName: 'sluice-heed-alarm',
      InvocationType: 'Event',
      Payload: Buffer.from(JSON.stringify(event)),
    }),
  );
  return began;
};

const abort = async ({ api }: Bench, releaseId: ReleaseId): Promise<number> => {
  const began = Date.now();
  await api.call(commandRoutes.commandRelease, {
    params: { releaseId },
    body: { command: 'abort', reason: 'a benchmark said so' },
  });
  return began;
};

/** Nobody asks: the look that found the breach is where it begins. */
const waitForLook = async ({ api }: Bench, releaseId: ReleaseId): Promise<number> => {
  for (;;) {
    const found = (await timelineOf(api, releaseId)).find(
      ({ event }) => event.type === 'release.look.decided',
    );
    if (found !== undefined) return Date.parse(found.event.timestamp);
    await sleep(POLL_MILLISECONDS);
  }
};

export const WAYS: readonly Way[] = [
  { name: 'alarm event', version: VARIANTS.good.version, ask: raiseAlarm },
  { name: 'abort over the API', version: VARIANTS.good.version, ask: abort },
  { name: 'verdict of a look', version: VARIANTS.failing.version, ask: waitForLook },
];
