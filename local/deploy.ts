import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { LOCAL_ACCOUNT, LOCAL_CREDENTIALS, LOCAL_REGION, localEnvironment } from './credentials.ts';
import { LocalSetupError, loopbackPort } from './endpoint.ts';
import { binDirectory, repositoryRoot } from './paths.ts';
import { logFilePath, runDirectory } from './run-directory.ts';

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** Outputs by stack name, then output name, as the CDK writes them. */
export type StackOutputs = z.infer<typeof outputsSchema>;

export interface LocalDeployment {
  readonly outputs: StackOutputs;
  /** The cloud assembly that was deployed: templates and bundled functions. */
  readonly assemblyDirectory: string;
}

export interface LocalDeployOptions {
  readonly endpoint: string;
  /** Gets one line per step; the CDK's own output goes to `.local/logs/cdk-<port>.log`. */
  readonly log: (line: string) => void;
  /** The CDK app's command line; left out, it is cdk.json's. */
  readonly app?: string;
  /** Further CDK context, as in `cdk deploy -c name=value`. */
  readonly context?: Readonly<Record<string, string>>;
  /** Settings on top of the local stage's defaults (infra/config.ts). */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/**
 * Deploys the real CDK app through the real CLI into a local AWS, bootstrapping it first when it is fresh.
 * Each emulator has its own assembly directory, so that `npm start` and `npm test` can deploy side by side.
 */
export async function deployLocally(options: LocalDeployOptions): Promise<LocalDeployment> {
  const directory = runDirectory(`deploy-${loopbackPort(options.endpoint)}`);
  const assemblyDirectory = path.join(directory, 'cdk.out');
  const outputsFile = path.join(directory, 'outputs.json');
  const cdk = (args: readonly string[]) => runCdk(args, options);
  const app = options.app === undefined ? [] : ['--app', options.app];
  const config = path.join(directory, 'config.json');
  writeFileSync(config, JSON.stringify(options.settings ?? {}));
  const context = Object.entries({ stage: 'local', config, ...options.context }).flatMap(([name, value]) => [
    '--context',
    `${name}=${value}`,
  ]);

  if (!(await isBootstrapped(options.endpoint))) {
    options.log('bootstrapping the local AWS for the CDK');
    // Without an app: bootstrapping needs none, and synthesizing twice would double the wait.
    await cdk(['bootstrap', `aws://${LOCAL_ACCOUNT}/${LOCAL_REGION}`, '--app', '']);
  }
  options.log('deploying the stack with the CDK');
  rmSync(outputsFile, { force: true });
  await cdk([
    'deploy',
    '--all',
    ...app,
    ...context,
    '--require-approval',
    'never',
    '--output',
    assemblyDirectory,
    '--outputs-file',
    outputsFile,
  ]);
  return { outputs: outputsSchema.parse(JSON.parse(readFileSync(outputsFile, 'utf8'))), assemblyDirectory };
}

async function isBootstrapped(endpoint: string): Promise<boolean> {
  const client = new CloudFormationClient({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: 'CDKToolkit' }));
    return Stacks.some(
      ({ StackStatus }) => StackStatus === 'CREATE_COMPLETE' || StackStatus === 'UPDATE_COMPLETE',
    );
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError') return false;
    throw error;
  } finally {
    client.destroy();
  }
}

async function runCdk(args: readonly string[], { endpoint }: LocalDeployOptions): Promise<void> {
  const child = spawn(path.join(binDirectory, 'cdk'), [...args, '--no-notices', '--no-color', '--ci'], {
    cwd: repositoryRoot,
    env: localEnvironment(endpoint),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const logFile = createWriteStream(logFilePath(`cdk-${loopbackPort(endpoint)}`), { flags: 'a' });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line);
      logFile.write(`${line}\n`);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  logFile.end();
  if (code !== 0) {
    throw new LocalSetupError(
      `\`cdk ${args[0]}\` failed (exit code ${code}):\n${output.slice(-40).join('\n')}`,
    );
  }
}
