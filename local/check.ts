import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stageConfigSchema } from '../infra/config.ts';
import { checkImportDirection, describeViolation } from '../test/architecture/import-direction.ts';
import { localEnvironment, NO_ENDPOINT } from './credentials.ts';
import { localDirectory, repositoryRoot } from './paths.ts';
import { runCommand } from './run-command.ts';
import { runDirectory } from './run-directory.ts';
import { runSteps, type Step, type StepResult } from './steps.ts';

/** CDK orders resources by DependsOn even where a reference does so already (W3005); nothing here writes them by hand. */
const IGNORED_CFN_LINT_CHECKS = ['W3005'];

const stages = stageConfigSchema.shape.stage.options;
const assemblies = runDirectory(`check-${process.pid}`);
const assemblyOf = (stage: string) => path.join(assemblies, stage);

const steps: readonly Step[] = [
  { name: 'types', run: () => tool('tsc', '--noEmit') },
  {
    name: 'lint and format',
    run: () =>
      tool('biome', 'ci', '--error-on-warnings', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`),
  },
  { name: 'unused code', run: () => tool('knip') },
  { name: 'import direction', run: checkImports },
  { name: 'workflows', run: checkWorkflows },
  ...stages.map((stage) => ({ name: `synth ${stage}`, run: () => synthesize(stage) })),
  { name: 'templates', run: lintTemplates },
];

const failed = await runSteps(steps, console.log);
rmSync(assemblies, { recursive: true, force: true });
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function tool(command: string, ...args: string[]): Promise<StepResult> {
  return resultOf(await runCommand(command, args));
}

function resultOf({ code, output }: { code: number | null; output: string }): StepResult {
  return code === 0 ? { outcome: 'ok' } : { outcome: 'failed', output };
}

async function checkImports(): Promise<StepResult> {
  const violations = checkImportDirection(repositoryRoot);
  return violations.length === 0
    ? { outcome: 'ok' }
    : { outcome: 'failed', output: violations.map(describeViolation).join('\n') };
}

/** Every `${Name}` in a workflow stands for the ARN of the task or workflow that the CDK puts in. */
async function checkWorkflows(): Promise<StepResult> {
  const arn = 'arn:aws:lambda:us-east-1:000000000000:function:task:1';
  const completed = globSync('statemachines/*.asl.json', { cwd: repositoryRoot }).flatMap((file) => {
    const copy = path.join(assemblies, path.basename(file));
    writeFileSync(copy, readFileSync(path.join(repositoryRoot, file), 'utf8').replaceAll(/\$\{\w+\}/g, arn));
    return ['--json-path', copy];
  });
  return tool('asl-validator', ...completed);
}

/** `--strict` makes a warning an error; cdk-nag runs inside the app. */
async function synthesize(stage: string): Promise<StepResult> {
  const args = ['synth', '--quiet', '--strict', '--no-notices', '--context', `stage=${stage}`];
  return resultOf(
    await runCommand('cdk', [...args, '--output', assemblyOf(stage)], localEnvironment(NO_ENDPOINT)),
  );
}

async function lintTemplates(): Promise<StepResult> {
  const cfnLint = path.join(localDirectory, 'venv', 'bin', 'cfn-lint');
  if (!existsSync(cfnLint))
    return { outcome: 'skipped', reason: 'cfn-lint needs Python, which SLUICE_LOCAL_ENDPOINT does without' };
  const templates = globSync(path.join(assemblies, '*', '*.template.json'));
  if (templates.length < stages.length) return { outcome: 'skipped', reason: 'a stage was not synthesized' };
  return tool(cfnLint, '--ignore-checks', ...IGNORED_CFN_LINT_CHECKS, '--', ...templates);
}
