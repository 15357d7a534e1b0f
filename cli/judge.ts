import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { type Plan, planChoiceSchema, planOf, planSchema } from '../functions/policy/plan.ts';
import type { ExperimentResult } from '../functions/rollout/judge/experiment.ts';
import { type JudgePolicy, judgePolicySchema } from '../functions/rollout/judge/judge-policy.ts';
import type { LookResult } from '../functions/rollout/judge/look.ts';
import { Failure } from './failure.ts';
import { type Line, readLines } from './lines.ts';
import { beginReplay, ImpossibleLook, type LookLine, lookLineSchema, replayLook } from './look-replay.ts';
import { faultsOf, parseJson } from './parse-json.ts';
import { readText } from './read-text.ts';
import { type AnyRecord, anyRecordSchema, recordedLooks } from './recorded-looks.ts';

interface Options {
  readonly policy?: string;
  readonly plan?: string;
  readonly alpha?: number;
  readonly margin?: number;
  readonly concentration?: number;
  readonly dispersion?: number;
  readonly records?: boolean;
  readonly release?: string;
}

const EXAMPLE = `
One JSON object a line, counts since the previous look of the stage; what is left out is missing, not zero:
  {"at":"2026-01-05T10:00:10Z","stage":0,"weightPercent":10,"endOfRound":true,
   "canary":{"requests":120,"errors":1,"latencyMs":{"p95":110},"slowerThan":{"100":9,"250":1,"2000":0}},
   "baseline":{"requests":1080,"errors":9,"latencyMs":{"p95":108},"slowerThan":{"100":80,"250":12,"2000":0}},
   "probes":{"attempts":3,"successes":3}}
More that a line may have: "baselineProbes"; "cumulative", in the place of all that the stage's lines told so far; "before",
what is known by now of the stage before; "history", the stable version's counts before the release; "alarms", guard alarms
with their states.

Example:
  $ sluice judge --margin 0.2 looks.jsonl`;

/** `sluice judge`: judges recorded looks by the function that the deployed stack runs; needs no AWS and no network. */
export const registerJudge = (program: Command): void => {
  program
    .command('judge')
    .description('judge looks at a canary offline, as the deployed judge would')
    .argument('[file]', 'looks, one a line; standard input when left out')
    .option('--policy <file>', 'JSON of the judge policy; what it leaves out has its default')
    .option('--plan <file>', 'JSON of the plan: a name or stages (default: standard)')
    .option('--alpha <number>', 'chance of ever rolling back a canary that is fine (default: 0.01)', toNumber)
    .option(
      '--margin <number>',
      'relative increase over the baseline that is tolerated (default: 0.1)',
      toNumber,
    )
    .option('--concentration <number>', 'weight of the prior, in events (default: 10)', toNumber)
    .option('--dispersion <number>', 'variance / mean of event counts at the least (default: 1)', toNumber)
    .option('--records', 'the lines are ledger records: the decisions of a release are judged again')
    .option('--release <id>', 'with --records: only those of this release')
    .option('--json', 'print JSON, which this command always does')
    .addHelpText('after', EXAMPLE)
    .action(judge);
};

async function judge(file: string | undefined, options: Options): Promise<void> {
  if (file !== undefined && !existsSync(file)) throw new Failure(2, `there is no file ${file}`);
  let replay = beginReplay(readPolicy(options), readPlan(options.plan));
  for await (const { where, look, experiment } of options.records
    ? recorded(file, options.release)
    : lines(file)) {
    try {
      const { result, after } = replayLook(replay, look);
      console.log(JSON.stringify({ ...answer(look, result), ...(experiment && { experiment }) }));
      replay = after;
    } catch (error) {
      throw asFailure(error, where);
    }
  }
}

interface LocatedLook {
  readonly where: string;
  readonly look: LookLine;
  readonly experiment?: ExperimentResult;
}

async function* lines(file: string | undefined): AsyncGenerator<LocatedLook> {
  for await (const line of readLines(file)) yield { where: `line ${line.number}`, look: parseLook(line) };
}

/** All records are read first: what a release knew of the past stands in its decisions. */
async function* recorded(file: string | undefined, release: string | undefined): AsyncGenerator<LocatedLook> {
  const records: AnyRecord[] = [];
  for await (const { number, text } of readLines(file)) {
    if (text === undefined) throw new Failure(2, `line ${number}: it is not UTF-8`);
    const record = parseJson(anyRecordSchema, text, `line ${number}`);
    if (release === undefined || record.data.releaseId === release) records.push(record);
  }
  try {
    for (const { line, experiment } of recordedLooks(records))
      yield { where: `the record of ${line.at}`, look: line, ...(experiment && { experiment }) };
  } catch (error) {
    throw asFailure(error, 'the records');
  }
}

function asFailure(error: unknown, where: string): unknown {
  return error instanceof ImpossibleLook ? new Failure(2, `${where}: ${error.message}`) : error;
}

function answer(
  { at }: LookLine,
  { verdict, score, scoreUpper, baselineScore, evidence, reasons }: LookResult,
) {
  const { lnE, threshold, tests } = evidence;
  return { at, verdict, score, scoreUpper, baselineScore, evidence: { lnE, threshold, tests }, reasons };
}

/** Stops at the first bad line: later verdicts rest on the counts of every line before them. */
function parseLook({ number, text }: Line): LookLine {
  if (text === undefined) throw new Failure(2, `line ${number}: it is not UTF-8`);
  return parseJson(lookLineSchema, text, `line ${number}`);
}

function readPolicy({ policy, alpha, margin, concentration, dispersion }: Options): JudgePolicy {
  const given =
    policy === undefined
      ? {}
      : parseJson(z.looseObject({ evidence: z.looseObject({}).optional() }), readText(policy), policy);
  const overrides = {
    ...(alpha !== undefined && { alpha }),
    ...(margin !== undefined && { margin }),
    ...(concentration !== undefined && { concentration }),
    ...(dispersion !== undefined && { dispersionMin: dispersion }),
  };
  const merged = judgePolicySchema.safeParse({ ...given, evidence: { ...given.evidence, ...overrides } });
  if (!merged.success) throw new Failure(2, `the judge policy: ${faultsOf(merged.error)}`);
  return merged.data;
}

function readPlan(file: string | undefined): Plan | undefined {
  if (file === undefined) return undefined;
  // A release's own plan, as the release shows it, has a name; its experiment is in no plan of a service.
  const plan = parseJson(z.union([planChoiceSchema, planSchema]), readText(file), file);
  return typeof plan !== 'string' && 'name' in plan ? plan : planOf(plan);
}

function toNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It is a number.');
  return value;
}
