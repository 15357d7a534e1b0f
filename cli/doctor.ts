import type { Command } from 'commander';
import { type Finding, STATUSES, type Status } from '../functions/rollout/doctor/finding.ts';
import { doctorRoutes } from '../functions/rollout/doctor/routes.ts';
import type { ApiClient, RouteOutput } from './api-client.ts';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { withExample, withJson } from './options.ts';
import { answer, paint, table } from './output.ts';
import { allServices } from './service.ts';

type Examined = RouteOutput<typeof doctorRoutes.examineService>;

interface Options {
  readonly env?: string;
  readonly all?: true;
  readonly json?: true;
}

const STYLES: Readonly<Record<Status, Parameters<typeof paint>[0]>> = {
  ok: 'green',
  warn: 'yellow',
  unknown: 'yellow',
  fail: 'red',
};

const worstFirst = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => STATUSES.indexOf(b.status) - STATUSES.indexOf(a.status));

/** One environment: how it is, and a line for each finding that somebody has to read. */
const environmentText = (
  service: string,
  { environment, status, findings }: Examined['environments'][number],
  all: boolean,
): string => {
  const heading = `${service} in ${environment}: ${paint(STYLES[status], status)} (${findings.length} findings)`;
  const shown = worstFirst(findings).filter((one) => all || one.status !== 'ok');
  if (shown.length === 0) return heading;
  const isSplit = shown.some(({ wave }) => wave !== undefined);
  return [
    heading,
    table(
      ['STATUS', 'CHECK', ...(isSplit ? ['WAVE'] : []), 'WHAT WAS FOUND, AND WHAT TO DO'],
      // Unpainted: colours would count as width.
      shown.map(({ status: found, check, wave = '', text }) => [
        found,
        check,
        ...(isSplit ? [wave] : []),
        text,
      ]),
    ),
  ].join('\n');
};

const textOf = ({ service, environments }: Examined, all: boolean): string =>
  environments.map((one) => environmentText(service, one, all)).join('\n\n');

const examine = (api: ApiClient, service: string, environment?: string): Promise<Examined> =>
  api.call(doctorRoutes.examineService, {
    params: { service },
    query: { ...(environment !== undefined && { environment }) },
  });

/** Every service that has the environment, one after another: each takes the API some seconds, and rates of AWS. */
const examineAll = async (api: ApiClient, environment: string | undefined): Promise<readonly Examined[]> => {
  const examined: Examined[] = [];
  for (const { service, definition } of await allServices(api))
    if (environment === undefined || Object.hasOwn(definition.environments, environment))
      examined.push(await examine(api, service, environment));
  return examined;
};

const doctor = async (
  service: string | undefined,
  { env, all, json }: Options,
  command: Command,
): Promise<void> => {
  const api = connect(command);
  const examined = service === undefined ? await examineAll(api, env) : [await examine(api, service, env)];
  if (examined.length === 0)
    throw new Failure(
      2,
      env === undefined
        ? 'no service is registered yet: sluice service apply -f service.yaml'
        : `no service has an environment ${env}; see: sluice service list`,
    );
  answer(service === undefined ? examined : examined[0], json, () =>
    examined.map((one) => textOf(one, all === true)).join('\n\n'),
  );
  if (examined.some(({ status }) => status === 'fail')) process.exitCode = 1;
};

/** `sluice doctor [SERVICE]`. */
export const registerDoctor = (program: Command): void => {
  withExample(
    withJson(
      program
        .command('doctor')
        .description(
          'what would go wrong before anything does; changes nothing; 1 if a release could not go well',
        ),
    )
      .argument('[service]', 'one service; every one when left out')
      .option('--env <environment>', 'one environment; every one when left out')
      .option('--all', 'also what is as it should be')
      .action(doctor),
    'sluice doctor payments --env production',
    'sluice doctor --json',
  );
};
