import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type * as z from 'zod';
import { judgeExperiment } from '../functions/rollout/judge/experiment.ts';
import { sampleAtHorizon, sampleSequential } from '../functions/rollout/judge/experiment-plan.ts';
import {
  type ExperimentPolicy,
  experimentPolicySchema,
} from '../functions/rollout/judge/experiment-policy.ts';
import { type ArmFacts, addArms } from '../functions/rollout/judge/facts.ts';
import { Failure } from './failure.ts';
import { readLines } from './lines.ts';
import { lookLineSchema } from './look-replay.ts';
import { parseJson } from './parse-json.ts';
import { readText } from './read-text.ts';

const JUDGE_EXAMPLE = `
Takes the lines of \`sluice judge\`, with times, whose arms count goals since the previous line:
  {"at":"2026-01-05T10:00:00Z","weightPercent":50,
   "canary":{"goals":{"orders":{"good":61,"total":1003}}},"baseline":{"goals":{"orders":{"good":48,"total":997}}}}
and a policy: {"goal":"orders","mode":"sequential","horizon":{"seconds":1209600}}

Example:
  $ sluice experiment judge --policy experiment.json looks.jsonl`;

const PLAN_EXAMPLE = `
Example: five of a hundred order; half a point more or less should be found four times in five.
  $ sluice experiment plan --base 5 --difference 0.5 --per-day 20000`;

interface PlanOptions {
  readonly base: number;
  readonly difference: number;
  readonly weight: number;
  readonly alpha: number;
  readonly power: number;
  readonly perDay?: number;
}

/** `sluice experiment`: how large an A/B experiment has to be, and what its counts show; needs no AWS and no network. */
export const registerExperiment = (program: Command): void => {
  const experiment = program
    .command('experiment')
    .description('plan and judge A/B experiments offline, as the deployed judge would');
  experiment
    .command('plan')
    .description('how large a sample finds a difference')
    .requiredOption('--base <percent>', 'share of the stable version that reaches the goal', percent)
    .requiredOption('--difference <points>', 'percentage points that should be found', points)
    .option('--weight <percent>', 'share of the sample on the canary', percent, 50)
    .option('--alpha <number>', 'chance of a winner where there is no difference', fraction, 0.05)
    .option('--power <number>', 'chance of finding the difference where it is', fraction, 0.8)
    .option(
      '--per-day <number>',
      'sample a day, both arms together: then it also says how many days',
      positive,
    )
    .option('--json', 'print JSON, which this command always does')
    .addHelpText('after', PLAN_EXAMPLE)
    .action(plan);
  experiment
    .command('judge')
    .description('judge the goals of recorded looks')
    .argument('[file]', 'looks, one a line; standard input when left out')
    .requiredOption('--policy <file>', 'JSON of the experiment’s policy')
    .option('--json', 'print JSON, which this command always does')
    .addHelpText('after', JUDGE_EXAMPLE)
    .action(judge);
};

function plan({ base, difference, weight, alpha, power, perDay }: PlanOptions): void {
  const question = {
    baseRate: base / 100,
    difference: difference / 100,
    share: weight / 100,
    alpha,
    power,
  };
  const reached = question.baseRate + question.difference;
  if (reached <= 0 || reached >= 1)
    throw new Failure(2, `${base} % and ${difference} points leave no share between 0 and 100 %`);
  const withDays = (sample: { readonly canary: number; readonly stable: number }) => ({
    ...sample,
    ...(perDay !== undefined && { days: Math.ceil((sample.canary + sample.stable) / perDay) }),
  });
  const fixedHorizon = withDays(sampleAtHorizon(question));
  const sequentialHalfOfTheTime = withDays(sampleSequential(question));
  console.log(JSON.stringify({ fixedHorizon, sequentialHalfOfTheTime }));
}

async function judge(file: string | undefined, options: { readonly policy: string }): Promise<void> {
  for (const name of [options.policy, file])
    if (name !== undefined && !existsSync(name)) throw new Failure(2, `there is no file ${name}`);
  const policy: ExperimentPolicy = parseJson(
    experimentPolicySchema,
    readText(options.policy),
    options.policy,
  );
  let cumulative: Pick<ArmFacts, 'canary' | 'baseline'> = {};
  let began: number | undefined;
  let weightPercent = 50;
  for await (const { number, text } of readLines(file)) {
    if (text === undefined) throw new Failure(2, `line ${number}: it is not UTF-8`);
    const line: z.infer<typeof lookLineSchema> = parseJson(lookLineSchema, text, `line ${number}`);
    if (line.at === undefined)
      throw new Failure(2, `line ${number}: at is missing, and an experiment has a horizon`);
    weightPercent = line.weightPercent ?? weightPercent;
    if (weightPercent === 100) throw new Failure(2, `line ${number}: at 100 % there is no second arm`);
    began ??= Date.parse(line.at);
    const canary = addArms(cumulative.canary, line.canary);
    const baseline = addArms(cumulative.baseline, line.baseline);
    cumulative = { ...(canary && { canary }), ...(baseline && { baseline }) };
    const judgedSeconds = (Date.parse(line.at) - began) / 1_000;
    const result = judgeExperiment(policy, { judgedSeconds, weightPercent, cumulative });
    console.log(JSON.stringify({ at: line.at, ...result }));
  }
}

function numberIn(low: number, high: number, what: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value > low && value < high)) throw new InvalidArgumentError(`It is ${what}.`);
    return value;
  };
}
const percent = numberIn(0, 100, 'a percentage between 0 and 100');
const fraction = numberIn(0, 1, 'a number between 0 and 1');
const positive = numberIn(0, Number.POSITIVE_INFINITY, 'a number above 0');

function points(text: string): number {
  const value = numberIn(-100, 100, 'a number of percentage points')(text);
  if (value === 0) throw new InvalidArgumentError('No difference can’t be found.');
  return value;
}
