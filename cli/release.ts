import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import * as z from 'zod';
import { type ReleaseId, releaseIdSchema } from '../functions/platform/ids.ts';
import { REQUESTED_STRATEGIES } from '../functions/policy/strategy-schema.ts';
import { releaseRequestSchema } from '../functions/releases/release-request.ts';
import { releaseRoutes } from '../functions/releases/routes.ts';
import { COMMANDS, type CommandName } from '../functions/rollout/command-names.ts';
import { commandRoutes } from '../functions/rollout/routes.ts';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { checked, duration, named, wholeNumber } from './input.ts';
import { withExample, withJson, withOrder } from './options.ts';
import { answer, remark, table, visible } from './output.ts';
import { parseJson } from './parse-json.ts';
import { phaseWord, type ReleaseView, releaseLines } from './release/release-view.ts';
import { lineDisplay, recordDisplay } from './release/show-progress.ts';
import { connectToWait, displayFor, endOf, type FollowOptions, waitForEnd } from './release/wait-for-end.ts';
import { timelineOf } from './timeline.ts';

/** 1 unless the version was promoted. */
const setExitCode = ({ outcome }: ReleaseView): void => {
  if (outcome !== 'promoted') process.exitCode = 1;
};

const tellEnd = (ended: ReleaseView, json: boolean | undefined): void => {
  answer(ended, json, endOf);
  setExitCode(ended);
};

const idOf = (text: string): ReleaseId => checked(releaseIdSchema, text, `"${text}"`);

interface StartOptions extends FollowOptions {
  readonly env: string;
  readonly version: string;
  readonly strategy?: string;
  readonly waveVersion: Readonly<Record<string, string>>;
  readonly weight?: number;
  readonly experiment?: string;
  readonly notes?: string;
  readonly key?: string;
  readonly wait?: true;
}

const readExperiment = (file: string): unknown => {
  if (!existsSync(file)) throw new Failure(2, `there is no file ${file}`);
  return parseJson(z.unknown(), readFileSync(file, 'utf8'), file);
};

const start = async (service: string, options: StartOptions, command: Command): Promise<void> => {
  const { env, version, strategy, waveVersion, weight, notes, key = randomUUID(), wait, json } = options;
  const experiment = options.experiment === undefined ? undefined : readExperiment(options.experiment);
  const asked = {
    ...(experiment !== undefined && { experiment }),
    ...{ service, environment: env, version, strategy, notes, firstStageWeightPercent: weight },
    ...(Object.keys(waveVersion).length > 0 && { versions: waveVersion }),
  };
  const body = checked(releaseRequestSchema, asked, 'the request');
  const release = await connect(command).call(releaseRoutes.requestRelease, { body, idempotencyKey: key });
  const { releaseId } = release;
  if (!wait) {
    answer(release, json, () => `${releaseId}  accepted; follow it with: sluice release watch ${releaseId}`);
    return;
  }
  remark(`${releaseId}  accepted`);
  const api = connectToWait(command, options);
  const ended = await waitForEnd(api, releaseId, options, await displayFor(json));
  tellEnd(ended, json);
};

const wait = async (id: string, options: FollowOptions, command: Command): Promise<void> => {
  const api = connectToWait(command, options);
  const ended = await waitForEnd(api, idOf(id), options, await displayFor(options.json));
  tellEnd(ended, options.json);
};

const watch = async (id: string, options: FollowOptions, command: Command): Promise<void> => {
  const api = connectToWait(command, options);
  const display = options.json
    ? recordDisplay((line) => console.log(visible(line)))
    : await displayFor(false);
  const ended = await waitForEnd(api, idOf(id), options, display);
  // Its JSON is the records; the end is the last of them.
  if (options.json) setExitCode(ended);
  else tellEnd(ended, undefined);
};

const list = async (
  { service, limit, json }: { service?: string; limit: number; json?: true },
  command: Command,
): Promise<void> => {
  const { releases } = await connect(command).call(releaseRoutes.listReleases, {
    query: { limit, ...(service !== undefined && { service }) },
  });
  answer(releases, json, (shown) =>
    shown.length === 0
      ? 'No release yet: sluice release start SERVICE --env E --version V'
      : table(
          ['RELEASE', 'SERVICE', 'ENVIRONMENT', 'VERSION', 'ASKED FOR (UTC)', 'PHASE'],
          shown.map((release) => [
            release.releaseId,
            release.service,
            release.environment,
            release.version,
            release.requestedAt.slice(0, 16).replace('T', ' '),
            phaseWord(release.phase),
          ]),
        ),
  );
};

const show = async (id: string, { json }: { json?: true }, command: Command): Promise<void> => {
  const api = connect(command);
  const releaseId = idOf(id);
  const release = await api.call(releaseRoutes.getRelease, { params: { releaseId } });
  const records = await timelineOf(api, releaseId);
  const story: string[] = [];
  lineDisplay((line) => story.push(`  ${line}`)).show({ release, records, fresh: records });
  answer(release, json, (shown) => [...releaseLines(shown, records, Date.now()), '', ...story].join('\n'));
};

const give =
  (name: CommandName) =>
  async (
    id: string,
    { reason, key = randomUUID(), json }: { reason: string; key?: string; json?: true },
    command: Command,
  ): Promise<void> => {
    const obeyed = await connect(command).call(commandRoutes.commandRelease, {
      params: { releaseId: idOf(id) },
      body: { command: name, reason },
      idempotencyKey: key,
    });
    answer(obeyed, json, ({ text }) => text);
  };

const MEANS: Readonly<Record<CommandName, string>> = {
  promote: 'let this stage pass at the next look that sees nothing wrong',
  pause: 'let no further stage pass; looks go on, and a breach still restores',
  resume: 'let stages pass again',
  abort: 'bring all traffic back to the stable version at once',
  retry: 'ask for the same again, after one that was rolled back, aborted or refused',
};

const EXAMPLE_ID = 'rel_01JGXQ00000000000000000000';

/** `sluice release …`. */
export const registerRelease = (program: Command): void => {
  const release = program.command('release').description('ask for releases, follow and steer them');
  withExample(
    withJson(release.command('start').description('ask for a release'))
      .argument('<service>')
      .requiredOption('--env <environment>', 'where to')
      .requiredOption('--version <version>', 'what, in the terms of the target')
      .option('--strategy <strategy>', `how: ${REQUESTED_STRATEGIES.join(', ')} (default: canary)`)
      .option(
        '--wave-version <wave=version>',
        'where a wave has another name for it; may be repeated',
        named,
        {},
      )
      .option('--weight <percent>', "traffic of the first stage, in place of the plan's", wholeNumber)
      .option('--experiment <file>', "JSON of what an experiment asks, in place of the service's own")
      .option('--notes <text>', 'what is in it, for those who read along')
      .option('--key <key>', 'the same key with the same request has one effect, however often it is sent')
      .option('--wait', 'wait for the end; 0 only if the version was promoted')
      .option('--timeout <duration>', 'how long to wait at most, such as 45m', duration)
      .action(start),
    'sluice release start payments --env production --version 12 --notes "faster refunds"',
    'sluice release start payments --env production --version 12 --key build-4711 --wait --timeout 50m',
    'sluice release start shop --env production --version green --strategy experiment --experiment orders.json',
  );
  withExample(
    withJson(release.command('list').description('releases, newest first'))
      .option('--service <service>', 'of one service only')
      .option('--limit <number>', 'how many (at most 100)', wholeNumber, 20)
      .action(list),
    'sluice release list --service payments',
  );
  withExample(
    withJson(release.command('show').description('one release: where it stands, and how it came there'))
      .argument('<id>')
      .action(show),
    `sluice release show ${EXAMPLE_ID}`,
  );
  withExample(
    withJson(release.command('watch').description('look on until a release ends; with --json, its records'))
      .argument('<id>')
      .option('--timeout <duration>', 'how long at most, such as 45m', duration)
      .action(watch),
    `sluice release watch ${EXAMPLE_ID}`,
  );
  withExample(
    withJson(release.command('wait').description('wait for the end; 0 only if the version was promoted'))
      .argument('<id>')
      .option('--timeout <duration>', 'how long at most, such as 45m', duration)
      .action(wait),
    `sluice release wait ${EXAMPLE_ID} --timeout 50m --json`,
  );
  for (const name of COMMANDS)
    withExample(
      withOrder(release.command(name).description(MEANS[name])).argument('<id>').action(give(name)),
      `sluice release ${name} ${EXAMPLE_ID} --reason "wrong build"`,
    );
};
