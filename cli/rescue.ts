import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Command } from 'commander';
import { environmentNameSchema, serviceNameSchema } from '../functions/platform/ids.ts';
import { shifterForTarget } from '../functions/rollout/adapters/shifter-for.ts';
import { rescueTraffic } from '../functions/rollout/rescue.ts';
import { parseRescueText, type RescueCopy, rescueParameter } from '../functions/rollout/rescue-copy.ts';
import { Failure } from './failure.ts';
import { checked } from './input.ts';
import { visible } from './output.ts';

const HELP = `
Brings a service's traffic back to the version that was stable before its last release, when Sluice itself is down. It
needs your own AWS credentials (as the AWS CLI finds them) and the Parameter Store; nothing of Sluice has to run.
While Sluice runs, use: sluice release abort (a release on its way) or sluice rollback (a promoted one).

Examples:
  $ sluice rescue checkout --env production
  $ sluice rescue checkout --env production --dry-run

Exit codes: 0 all traffic is read back on the stable version; 1 it is not; 2 wrong usage, or nothing known to go back to;
3 AWS refused, or could not be reached.`;

interface Options {
  readonly env: string;
  readonly name: string;
  readonly region?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const ADVICE = 'check your credentials (aws sts get-caller-identity) and the region (--region)';

const readCopy = async (service: string, { env, name, region }: Options): Promise<RescueCopy> => {
  const Name = rescueParameter(
    `/${name}/rescue`,
    checked(serviceNameSchema, service, 'the service'),
    checked(environmentNameSchema, env, 'the environment'),
  );
  const client = new SSMClient(region === undefined ? {} : { region });
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name }));
    return parseRescueText(Parameter?.Value ?? '');
  } catch (error) {
    if (error instanceof Error && error.name === 'ParameterNotFound')
      throw new Failure(
        2,
        `there is no parameter ${Name} in this region: no release of ${service} began in ${env}, or the stack's name is another (--name)`,
      );
    throw new Failure(
      3,
      `${Name} could not be read: ${error instanceof Error ? error.message : error}; ${ADVICE}`,
    );
  } finally {
    client.destroy();
  }
};

const rescue = async (service: string, options: Options): Promise<void> => {
  const copy = await readCopy(service, options);
  const say = (line: string) => console.log(visible(line));
  const { releaseId } = copy.subject;
  // Wherever the copy was read: a target without a region of its own is in the stack's.
  process.env.AWS_REGION = copy.region;
  if (options.dryRun) {
    const waves = copy.waves.map(({ name, stableVersion }) => ({ wave: name, stableVersion }));
    if (options.json) say(JSON.stringify({ releaseId, waves }));
    else
      for (const { wave, stableVersion } of waves)
        say(`would set wave ${wave} to ${stableVersion}, stable before ${releaseId}`);
    return;
  }
  const rescued = await rescueTraffic(shifterForTarget, copy);
  if (options.json) say(JSON.stringify({ releaseId, waves: rescued }));
  else for (const { wave, text } of rescued) say(`wave ${wave}: ${text}`);
  if (rescued.some(({ verified }) => !verified))
    throw new Failure(
      1,
      `not all traffic is back; run it again, or set it by hand (docs/targets.md); ${ADVICE}`,
    );
};

export const registerRescue = (program: Command): void => {
  program
    .command('rescue')
    .description('bring traffic back with your own AWS credentials, when Sluice itself is down')
    .argument('<service>')
    .requiredOption('--env <environment>', 'environment, such as production')
    .option('--name <name>', 'name of the stack, as in its configuration', 'sluice')
    .option(
      '--region <region>',
      'where to read: the region of the stack or of a wave; else as the AWS CLI finds it',
    )
    .option('--dry-run', 'say what would be done')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(rescue);
};
