import { rmSync } from 'node:fs';
import path from 'node:path';
import { localEnvironment, NO_ENDPOINT } from './credentials.ts';
import { runForeground } from './run-command.ts';
import { runDirectory } from './run-directory.ts';
import { addUp, type Figures, readFigures } from './test-figures.ts';

/** In the order of what they cost: what fails fast is seen first. Each runs even if an earlier one failed. */
const STEPS = ['check', 'unit', 'infra', 'e2e'] as const;
type StepName = (typeof STEPS)[number];

interface Outcome {
  readonly name: StepName;
  readonly seconds: number;
  readonly passed: boolean;
  readonly figures: Figures;
}

const unknown = process.argv.slice(2).filter((name) => !STEPS.some((step) => step === name));
if (unknown.length > 0) {
  console.error(
    `${unknown.join(', ')}: no such step. npm test runs all of ${STEPS.join(', ')}, or those named after --.`,
  );
  process.exit(1);
}
const wanted = process.argv.length === 2 ? STEPS : STEPS.filter((name) => process.argv.includes(name));

const reports = runDirectory(`test-${process.pid}`);
/** Suites make their own way to the emulator they start; anything that forgets to meets a closed port, not an account. */
const environment = localEnvironment(NO_ENDPOINT);
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
  });
}

const outcomes: Outcome[] = [];
for (const name of wanted) {
  if (!interrupted) outcomes.push(await runStep(name));
}
rmSync(reports, { recursive: true, force: true });
report(outcomes);

async function runStep(name: StepName): Promise<Outcome> {
  console.log(`\n── ${name} ${'─'.repeat(60 - name.length)}`);
  const startedMs = performance.now();
  const reportFile = path.join(reports, `${name}.json`);
  const code =
    name === 'check'
      ? await runForeground('node', ['local/check.ts'])
      : await runForeground('vitest', vitestArguments(name, reportFile), environment);
  const seconds = (performance.now() - startedMs) / 1000;
  const figures = readFigures(name === 'check' ? undefined : reportFile, code);
  return { name, seconds, passed: code === 0, figures };
}

function vitestArguments(project: string, reportFile: string): string[] {
  return [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
  ];
}

function report(done: readonly Outcome[]): void {
  const passedSteps = done.filter(({ passed }) => passed);
  console.log(`\n── summary ${'─'.repeat(53)}`);
  for (const { name, seconds, passed, figures } of done) {
    const tests = name === 'check' ? '' : `  ${figures.passed} passed, ${figures.failed} failed`;
    console.log(
      `${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(6)} ${seconds.toFixed(1).padStart(7)} s${tests}`,
    );
  }
  console.log(
    `${passedSteps.length} steps passed${passedSteps.length === done.length ? '' : ` of ${done.length}`}`,
  );
  const { passed, failed } = addUp(done.map(({ figures }) => figures));
  console.log(`${passed} passed, ${failed} failed`);
  const sound = !interrupted && passedSteps.length === done.length;
  process.exitCode = interrupted ? 130 : sound ? 0 : 1;
}
