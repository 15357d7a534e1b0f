import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { releaseRoutes } from '../functions/releases/routes.ts';
import { type ApiClient, ApiProblem, type RouteOutput } from './api-client.ts';
import { connect } from './connect.ts';
import { Failure, Unreachable } from './failure.ts';
import { duration, wholeNumber } from './input.ts';
import { withExample, withJson, withOrder } from './options.ts';
import { answer, remark, table } from './output.ts';
import type { ReleaseView } from './release/release-view.ts';
import { connectToWait, displayFor, endOf, type FollowOptions, waitForEnd } from './release/wait-for-end.ts';
import { shellWord } from './session/api-address.ts';

interface Options extends FollowOptions {
  readonly env: string;
  readonly reason: string;
  readonly key?: string;
  readonly wait: boolean;
}

/** Asks for it and, unless told not to, looks on until it has ended. */
const askedAndEnded = async (
  asked: Promise<ReleaseView>,
  options: Options,
  command: Command,
): Promise<ReleaseView | undefined> => {
  const release = await asked;
  const { releaseId } = release;
  if (!options.wait) {
    answer(
      release,
      options.json,
      () => `${releaseId}  accepted; follow it with: sluice release watch ${releaseId}`,
    );
    return undefined;
  }
  remark(`${releaseId}  accepted`);
  return waitForEnd(connectToWait(command, options), releaseId, options, await displayFor(options.json));
};

/** Nobody answers, or the gateway alone does. */
const isAway = (error: unknown): error is Error =>
  error instanceof Unreachable || (error instanceof ApiProblem && error.problem.status >= 500);

/** Who rolls back has no time to look for another way. */
const withoutSluice = (error: Error, service: string, environment: string): Failure =>
  new Failure(
    3,
    `${error.message}. If Sluice is down, bring traffic back without it: sluice rescue ${shellWord(service)} --env ${shellWord(environment)}`,
    { cause: error },
  );

const rollBack = async (service: string, options: Options, command: Command): Promise<void> => {
  const { env: environment, reason, key = randomUUID(), json } = options;
  const asked = connect(command).call(releaseRoutes.rollBackService, {
    params: { service },
    body: { environment, reason },
    idempotencyKey: key,
  });
  const ended = await askedAndEnded(asked, options, command).catch((error: unknown) => {
    throw isAway(error) ? withoutSluice(error, service, environment) : error;
  });
  if (ended === undefined) return;
  answer(ended, json, endOf);
  if (ended.outcome !== 'promoted') process.exitCode = 1;
};

type Report = RouteOutput<typeof releaseRoutes.getRollbacks>;

const reportOf = (api: ApiClient, service: string, environment: string | undefined): Promise<Report> =>
  api.call(releaseRoutes.getRollbacks, {
    params: { service },
    query: { ...(environment !== undefined && { environment }) },
  });

const seconds = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '–' : `${(milliseconds / 1_000).toFixed(1)} s`;

/** What the look after a drill's last one says: that nobody noticed it. */
const UNNOTICED = 'drill-unnoticed';

interface DrillOptions extends Options {
  readonly version?: string;
  readonly weight?: number;
}

const drill = async (service: string, options: DrillOptions, command: Command): Promise<void> => {
  const { env: environment, reason, version, weight, key = randomUUID(), json } = options;
  const asked = connect(command).call(releaseRoutes.drillRollback, {
    params: { service },
    body: {
      environment,
      reason,
      ...(version !== undefined && { version }),
      ...(weight !== undefined && { weightPercent: weight }),
    },
    idempotencyKey: key,
  });
  const ended = await askedAndEnded(asked, options, command);
  if (ended === undefined) return;
  const { withinSeconds, restored } = await reportOf(connectToWait(command, options), service, environment);
  const time = restored.find(({ releaseId }) => releaseId === ended.releaseId)?.milliseconds;
  const noticed = ended.reasons?.some(({ code }) => code === UNNOTICED) !== true;
  const passed =
    ended.outcome === 'rolled-back' && noticed && time !== undefined && time <= withinSeconds * 1_000;
  answer({ ...ended, passed, milliseconds: time }, json, () =>
    passed
      ? `the drill passed: traffic was verified back ${seconds(time)} after the breach (limit ${withinSeconds} s)`
      : `the drill FAILED: it ended ${ended.phase}, verified back after ${seconds(time)} (limit ${withinSeconds} s)`,
  );
  if (!passed) process.exitCode = 1;
};

const list = async (
  service: string,
  { env, json }: { env?: string; json?: true },
  command: Command,
): Promise<void> => {
  const report = await reportOf(connect(command), service, env);
  const summary = (
    name: string,
    { begun, succeeded, medianMilliseconds, maximumMilliseconds }: Report['drills'],
  ) =>
    `${name}: ${succeeded} of ${begun} verified back within ${report.withinSeconds} s` +
    ` (median ${seconds(medianMilliseconds)}, longest ${seconds(maximumMilliseconds)})`;
  answer(report, json, ({ drills, real, restored }) =>
    [
      summary('drills', drills),
      summary('for real', real),
      ...(restored.length === 0
        ? []
        : [
            '',
            table(
              ['RELEASE', 'ENVIRONMENT', 'BREACH (UTC)', 'BACK AFTER', 'WHY'],
              restored.map((one) => [
                one.releaseId,
                one.environment,
                one.breachedAt.slice(0, 19).replace('T', ' '),
                seconds(one.milliseconds),
                one.strategy === 'drill' ? 'a drill' : (one.reasons[0]?.text ?? '–'),
              ]),
            ),
          ]),
    ].join('\n'),
  );
};

/** `sluice rollback | rollback-drill | rollbacks`. */
export const registerRollback = (program: Command): void => {
  const add = (name: string, description: string): Command =>
    withOrder(program.command(name).description(description))
      .argument('<service>')
      .requiredOption('--env <environment>', 'the environment')
      .option('--no-wait', 'do not wait for its end')
      .option('--timeout <duration>', 'how long to wait at most, such as 10m', duration);
  withExample(
    add('rollback', 'return a promoted service to its last good version, at once').action(rollBack),
    'sluice rollback payments --env production --reason "refunds are wrong"',
  );
  withExample(
    add('rollback-drill', 'break a little traffic on purpose, and measure how soon it is back; 0 if in time')
      .option('--version <version>', 'a version known to be good (default: the one before the present)')
      .option('--weight <percent>', 'its traffic, 1 to 10 (default: 1)', wholeNumber)
      .action(drill),
    'sluice rollback-drill payments --env production --reason "quarterly drill"',
  );
  withExample(
    withJson(program.command('rollbacks').description('how often and how fast traffic came back lately'))
      .argument('<service>')
      .option('--env <environment>', 'one environment; every one when left out')
      .action(list),
    'sluice rollbacks payments --env production',
  );
};
