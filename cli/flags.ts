import { Argument, type Command } from 'commander';
import { environmentNameSchema } from '../functions/platform/ids.ts';
import { KILL_SWITCHES, type KillSwitch, type SwitchState } from '../functions/policy/kill-switches.ts';
import { flagRoutes } from '../functions/policy/routes.ts';
import type { RouteOutput } from './api-client.ts';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { checked } from './input.ts';
import { withExample, withJson, withReason } from './options.ts';
import { answer, remark, table } from './output.ts';

type FlagView = RouteOutput<typeof flagRoutes.listFlags>['flags'][number];

const stateWords = ({ on, offIn }: SwitchState): string => {
  if (!on) return 'off';
  return offIn.length === 0 ? 'on' : `off in ${offIn.join(', ')}`;
};

const changeWords = ({ changed }: FlagView): string =>
  changed === undefined
    ? '–'
    : `${changed.at.slice(0, 16).replace('T', ' ')} by ${changed.by}: ${changed.reason}`;

const list = async ({ json }: { readonly json?: true }, command: Command): Promise<void> => {
  const found = await connect(command).call(flagRoutes.listFlags, {});
  answer(found, json, ({ flags }) =>
    table(
      ['FLAG', 'STATE', 'OFF MEANS', 'CHANGED (UTC)'],
      flags.map((one) => [one.flag, stateWords(one), one.offMeans, changeWords(one)]),
    ),
  );
  if (found.changedOutside)
    remark('somebody changed these around the API: the ledger has no word of who did, and why');
};

interface SetOptions {
  readonly in?: readonly string[];
  readonly reason: string;
  readonly json?: true;
}

/** The whole state, as the API takes it: what is not named is on. */
const stateOf = (state: 'on' | 'off', environments: readonly string[] = []): SwitchState => {
  if (environments.length === 0) return { on: state === 'on', offIn: [] };
  if (state === 'on')
    throw new Failure(
      2,
      '--in goes with off: name the environments that it is off in, or switch it on in all',
    );
  const offIn = environments.map((name) => checked(environmentNameSchema, name, `"${name}"`));
  return { on: true, offIn };
};

const set = async (
  flag: KillSwitch,
  state: 'on' | 'off',
  { in: environments, reason, json }: SetOptions,
  command: Command,
): Promise<void> => {
  const changed = await connect(command).call(flagRoutes.putFlag, {
    params: { flag },
    body: { ...stateOf(state, environments), reason },
  });
  answer(changed, json, (shown) => {
    const means = stateWords(shown) === 'on' ? '' : ` (${shown.offMeans})`;
    return `${shown.flag} is ${stateWords(shown)}${means}, in force within ${shown.inForceWithinSeconds} s`;
  });
};

/** `sluice flags list | set`: the kill switches. */
export const registerFlags = (program: Command): void => {
  const flags = program
    .command('flags')
    .description('kill switches: parts of Sluice that can be switched off');
  withExample(
    withJson(flags.command('list').description('every switch, what off means, and who set it so')).action(
      list,
    ),
    'sluice flags list',
  );
  withExample(
    withReason(flags.command('set').description('switch something off or on, for everyone'))
      .addArgument(new Argument('<flag>', 'the switch').choices([...KILL_SWITCHES]))
      .addArgument(new Argument('<state>', 'what it is to be').choices(['on', 'off']))
      .option(
        '--in <environment>',
        'off in this environment, on in every other; may be given several times',
        (one: string, before: readonly string[] = []) => [...before, one],
      )
      .action(set),
    'sluice flags set canaryMetrics off --in staging --reason "its metrics are being moved"',
    'sluice flags set canaryMetrics on --reason "moved"',
  );
};
