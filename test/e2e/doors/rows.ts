import { ALL_ROUTES } from '../../../functions/api/routes.ts';
import { type Route, routeKey } from '../../../functions/platform/route.ts';

export interface Row {
  readonly id: string;
  /** As the gateway knows it: `GET /v1/releases`. */
  readonly key: string;
  readonly route: Route;
}

/** Every route of the API; whatever is tested of rows is tested of a route that comes tomorrow. */
export const ROWS: readonly Row[] = ALL_ROUTES.flatMap((table) =>
  Object.entries(table).map(([id, route]) => ({ id, key: routeKey(route), route })),
);

/** Good values that name nothing there is. */
const ABSENT: Readonly<Record<string, string>> = {
  service: 'absent-service',
  flag: 'prodReadiness',
  releaseId: 'rel_00000000000000000000000000',
  environment: 'absent',
  index: '999999999',
  size: '999999999',
  level: '5',
  holdId: `hold_${'0'.repeat(26)}`,
};

/** The route's path with each parameter as `values` say, or else naming nothing there is. */
export const pathOf = (route: Route, values: Readonly<Record<string, string>> = {}): string =>
  route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? ABSENT[name];
    if (value === undefined) throw new Error(`no value for the path parameter ${name}: add one to ABSENT`);
    return value;
  });

export const paramsOf = (route: Route): readonly string[] => Object.keys(route.params?.shape ?? {});

/** The smallest body that each route takes; what is wrong with it is put in by the tests. */
export const GOOD_BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  putService: {
    environments: {
      production: {
        target: { kind: 'lambda-alias', functionName: 'checkout-absent', alias: 'live' },
        metrics: { source: 'cloudwatch', invokedBy: 'event' },
      },
    },
  },
  requestRelease: { service: 'absent-service', environment: 'production', version: '1' },
  rollBackService: { environment: 'production', reason: 'a test said so' },
  drillRollback: { environment: 'production', reason: 'a test said so' },
  redriveEvents: { first: 999_999_999, last: 999_999_999, reason: 'a test said so' },
  putFlag: { on: true, reason: 'a test said so' },
  commandRelease: { command: 'abort', reason: 'a test said so' },
  abortAll: { reason: 'a test said so' },
  freezeEnvironment: { until: '2030-01-01T00:00:00Z', reason: 'a test said so' },
  putHold: { filter: { service: 'absent-service' }, reason: 'a test said so' },
  redactRecords: { records: [999_999_999], reason: 'a test said so' },
  liftHold: { reason: 'a test said so' },
  thawEnvironment: { reason: 'a test said so' },
};

export const goodBody = ({ id }: Row): Readonly<Record<string, unknown>> => {
  const body = GOOD_BODIES[id];
  if (body === undefined) throw new Error(`no body for ${id}: add one to GOOD_BODIES`);
  return body;
};
