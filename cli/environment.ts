import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { environmentNameSchema } from '../functions/platform/ids.ts';
import { releaseRoutes } from '../functions/releases/routes.ts';
import { commandRoutes } from '../functions/rollout/routes.ts';
import type { RouteOutput } from './api-client.ts';
import { connect } from './connect.ts';
import { checked, instant } from './input.ts';
import { withExample, withOrder } from './options.ts';
import { answer, table } from './output.ts';

interface Options {
  readonly env: string;
  readonly reason: string;
  readonly key?: string;
  readonly json?: true;
}

const environmentOf = ({ env }: Pick<Options, 'env'>): string =>
  checked(environmentNameSchema, env, 'the environment');

/** What every command that changes an environment is sent with. */
const orderOf = ({ key = randomUUID(), ...options }: Options) => ({
  params: { environment: environmentOf(options) },
  idempotencyKey: key,
});

const abortAll = async (options: Options, command: Command): Promise<void> => {
  const body = { reason: options.reason };
  const result = await connect(command).call(commandRoutes.abortAll, { ...orderOf(options), body });
  answer(result, options.json, ({ text, releases }) =>
    releases.length === 0
      ? text
      : `${text}\n\n${table(
          ['RELEASE', 'SERVICE', 'RESULT', 'WHY'],
          releases.map((one) => [one.releaseId, one.service, one.result, one.text]),
        )}`,
  );
  if (!result.complete) process.exitCode = 1;
};

const told = ({ environment, frozen, freeze }: RouteOutput<typeof releaseRoutes.getFreeze>): string =>
  frozen && freeze !== undefined
    ? `${environment} is frozen until ${freeze.until} by ${freeze.by.login}: ${freeze.reason}`
    : `releases may start in ${environment}`;

const freeze = async (
  { until, ...options }: Options & { readonly until?: string },
  command: Command,
): Promise<void> => {
  const api = connect(command);
  const order = orderOf(options);
  const view =
    until === undefined
      ? await api.call(releaseRoutes.getFreeze, { params: order.params })
      : await api.call(releaseRoutes.freezeEnvironment, {
          ...order,
          body: { until, reason: options.reason },
        });
  answer(view, options.json, told);
};

const thaw = async (options: Options, command: Command): Promise<void> => {
  const view = await connect(command).call(releaseRoutes.thawEnvironment, {
    ...orderOf(options),
    body: { reason: options.reason },
  });
  answer(view, options.json, told);
};

/** `sluice abort-all | freeze | thaw`: what is done to a whole environment at once. */
export const registerEnvironment = (program: Command): void => {
  const add = (name: string, description: string): Command =>
    withOrder(program.command(name).description(description)).requiredOption(
      '--env <environment>',
      'the environment',
    );
  withExample(
    add('abort-all', 'bring the traffic of every release in an environment back; 1 while any is not').action(
      abortAll,
    ),
    'sluice abort-all --env production --reason "the database is down"',
  );
  withExample(
    add('freeze', 'let no release start in an environment; without --until, tell whether one may')
      .option('--until <time>', 'an instant, or how long from now', (text) => instant(text))
      .action(freeze),
    'sluice freeze --env production --until 2026-12-27T08:00:00+01:00 --reason "Christmas"',
    'sluice freeze --env production --until 2h --reason "looking into it"',
  );
  withExample(
    add('thaw', 'end the freeze of an environment').action(thaw),
    'sluice thaw --env production --reason "fixed"',
  );
};
