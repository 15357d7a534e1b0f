import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type ApiClient, apiClient } from '../cli/api-client.ts';
import { narrate } from '../cli/narration.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import type { ReleaseId } from '../functions/platform/ids.ts';
import { serviceRoutes } from '../functions/policy/routes.ts';
import { REQUESTED_EVENT } from '../functions/releases/requested-event.ts';
import { releaseRoutes } from '../functions/releases/routes.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './credentials.ts';
import { CHECKOUT, checkoutDefinition, VARIANTS } from './demo/checkout.ts';
import { signIn } from './people.ts';
import { watchRelease } from './watch-release.ts';
import type { World } from './world.ts';

/** Generous: an idle machine needs a quarter of it. */
const RELEASE_SECONDS = 180;

export type Say = (line: string) => void;

/** Signs in before every call: tokens are short-lived, and `npm start` stays up for hours. */
export const apiAs = (world: World, username: string, password: string): ApiClient =>
  apiClient(world.apiUrl, () => signIn(world.pool, username, password));

const tell = (say: Say) => (record: LedgerRecord) => {
  const line = narrate(record);
  if (line !== undefined) say(`  ${record.event.timestamp.slice(11, 19)}  ${line}`);
};

/** The good version, asked for over the API. */
const releaseGood = async (api: ApiClient, say: Say): Promise<LedgerRecord> => {
  const { version } = VARIANTS.good;
  say(`\nRelease 1 of 2: version ${version}, a good one, asked for over the API`);
  const release = await api.call(releaseRoutes.requestRelease, {
    body: { service: CHECKOUT, environment: 'production', version, notes: 'faster basket' },
    idempotencyKey: 'tour-good',
  });
  return watchRelease(api, release.releaseId, { onRecord: tell(say), withinSeconds: RELEASE_SECONDS });
};

const newestRelease = async (api: ApiClient, version: string): Promise<ReleaseId | undefined> => {
  const { releases } = await api.call(releaseRoutes.listReleases, { query: { service: CHECKOUT, limit: 5 } });
  return releases.find((release) => release.version === version)?.releaseId;
};

/** The failing version, asked for by an event on the bus, as a pipeline would. */
const releaseFailing = async (world: World, api: ApiClient, say: Say): Promise<LedgerRecord> => {
  const { version } = VARIANTS.failing;
  say(`\nRelease 2 of 2: version ${version}, a failing one, asked for by an event on the bus`);
  const events = new EventBridgeClient({
    endpoint: world.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
  });
  await events.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: world.busName,
          Source: 'tour.pipeline',
          DetailType: REQUESTED_EVENT,
          Detail: JSON.stringify({
            service: CHECKOUT,
            environment: 'production',
            version,
            requestedBy: 'pipeline of checkout',
            idempotencyKey: 'tour-failing',
          }),
        },
      ],
    }),
  );
  events.destroy();
  const deadline = Date.now() + 60_000;
  let releaseId = await newestRelease(api, version);
  while (releaseId === undefined && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    releaseId = await newestRelease(api, version);
  }
  if (releaseId === undefined) throw new Error('the event on the bus did not become a release within 60 s');
  return watchRelease(api, releaseId, { onRecord: tell(say), withinSeconds: RELEASE_SECONDS });
};

export interface TourResult {
  /** True only if the good one was promoted and the failing one rolled back. */
  readonly asExpected: boolean;
  readonly releases: readonly LedgerRecord[];
}

/** Registers the demo service and ships the two releases through the real doors, told as they happen. */
export const tour = async (world: World, operator: ApiClient, say: Say): Promise<TourResult> => {
  await operator.call(serviceRoutes.putService, { params: { service: CHECKOUT }, body: checkoutDefinition });
  say(`service ${CHECKOUT} is registered: ${checkoutDefinition.description}`);
  const good = await releaseGood(operator, say);
  const failing = await releaseFailing(world, operator, say);
  return {
    asExpected: good.event.type === 'release.promoted' && failing.event.type === 'release.rolled-back',
    releases: [good, failing],
  };
};
