import * as z from 'zod';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { appConfig, lambdaInvoker, PATIENT } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { newUlid } from '#platform/new-id.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { metrics } from '#platform/telemetry.ts';
import { appConfigFlags } from '#policy/adapters/appconfig-flags.ts';
import { flagsPlace } from '#policy/adapters/policy-ports.ts';
import { changeFlag, seeFlags } from '#policy/change-flag.ts';
import { switchesEnvironment } from '#policy/environment.ts';
import type { FlagsVersion } from '#policy/flag-store.ts';
import { exposesProduction, KILL_SWITCHES, type KillSwitch, OFF_MEANS } from '#policy/kill-switches.ts';
import { flagRoutes } from '#policy/routes.ts';

const environment = readEnvironment({
  ...switchesEnvironment,
  FLAGS_STRATEGY: z.string(),
  LEDGER_WRITER_ARN: z.string(),
});

const PAUSE_MILLISECONDS = 500;

const ports = {
  flags: appConfigFlags(appConfig(undefined, PATIENT), flagsPlace(environment), {
    strategy: environment.FLAGS_STRATEGY,
    pause: () => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS)),
    newLabelId: () => newUlid(new Date()),
  }),
  ledger: lambdaLedgerWriter(lambdaInvoker(), environment.LEDGER_WRITER_ARN),
};

const view = ({ states }: FlagsVersion, flag: KillSwitch) => {
  const { state, note } = states[flag];
  return {
    flag,
    ...state,
    offMeans: OFF_MEANS[flag],
    ...(note && { changed: { by: note.by, at: note.at, reason: note.reason } }),
  };
};

/** Counted whenever it is seen, so that a change made around the API is heard of too. */
const watchAutoRollback = ({ states }: FlagsVersion): void => {
  if (exposesProduction('autoRollback', states.autoRollback.state))
    metrics.addMetric(METRIC.autoRollbackOff, 'Count', 1);
};

export const handler = serveRoutes(flagRoutes)({
  listFlags: async () => {
    const { deployed } = await seeFlags(ports, new Date().toISOString());
    watchAutoRollback(deployed);
    return {
      status: 200,
      body: {
        flags: KILL_SWITCHES.map((flag) => view(deployed, flag)),
        version: deployed.version,
        changedOutside: deployed.madeBy.kind === 'outside',
      },
    };
  },
  putFlag: async ({ params: { flag }, body: { reason, ...state }, caller, requestId }) => {
    const at = new Date().toISOString();
    const deployed = await changeFlag(ports, { flag, state, reason, by: caller.actor, at, requestId });
    watchAutoRollback(deployed);
    return {
      status: 200,
      body: {
        ...view(deployed, flag),
        version: deployed.version,
        inForceWithinSeconds: environment.FLAGS_KEPT_SECONDS,
      },
    };
  },
});
