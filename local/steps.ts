export type StepResult =
  | { readonly outcome: 'ok' }
  | { readonly outcome: 'failed'; readonly output: string }
  | { readonly outcome: 'skipped'; readonly reason: string };

export interface Step {
  readonly name: string;
  run(): Promise<StepResult>;
}

/**
 * Runs the steps in order, one line each, with the whole output of those that fail. A failure stops nothing: the person sees
 * all that is wrong at once.
 * @returns the names of the failed steps
 */
export async function runSteps(steps: readonly Step[], log: (text: string) => void): Promise<string[]> {
  const failed: string[] = [];
  const width = Math.max(...steps.map(({ name }) => name.length));
  for (const { name, run } of steps) {
    const startedMs = performance.now();
    const result = await run().catch(asFailure);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
    const remark = result.outcome === 'skipped' ? ` (${result.reason})` : '';
    log(`${MARKS[result.outcome]} ${name.padEnd(width)} ${seconds} s${remark}`);
    if (result.outcome === 'failed') {
      failed.push(name);
      log(`${result.output.trimEnd()}\n`);
    }
  }
  return failed;
}

const MARKS = { ok: 'ok     ', failed: 'FAILED ', skipped: 'skipped' } as const;

const asFailure = (error: unknown): StepResult => ({
  outcome: 'failed',
  output: error instanceof Error ? (error.stack ?? error.message) : String(error),
});
