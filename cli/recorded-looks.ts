import * as z from 'zod';
import { experimentSettingsSchema } from '../functions/policy/experiment-schema.ts';
import {
  type ExperimentResult,
  experimentFactsSchema,
  judgeExperiment,
} from '../functions/rollout/judge/experiment.ts';
import { lookFactsSchema } from '../functions/rollout/judge/look.ts';
import { roundFactsSchema } from '../functions/rollout/judge/round.ts';
import { ImpossibleLook, type LookLine } from './look-replay.ts';

/** A ledger record of whatever kind, as far as it matters whether the judge has to do with it. */
export const anyRecordSchema = z.looseObject({
  event: z.looseObject({ type: z.string(), timestamp: z.iso.datetime() }),
  data: z.looseObject({ releaseId: z.unknown().optional() }),
});
export type AnyRecord = z.infer<typeof anyRecordSchema>;

/** One that the judge has to do with. */
const judgedRecordSchema = anyRecordSchema.extend({
  data: z.looseObject({
    releaseId: z.string(),
    wave: z.string().optional(),
    stage: z.int().min(0),
    kind: z.string().optional(),
    weightPercent: z.number(),
    facts: z.unknown().optional(),
    experiment: z.unknown().optional(),
  }),
});
type JudgedRecord = z.infer<typeof judgedRecordSchema>;

/** A decision of the judge by the type of its record. */
const DECISIONS = new Set([
  'release.stage.promoted',
  'release.watch.passed',
  'release.stage.held',
  'release.look.decided',
]);

/** What the judge of its goal made of an experiment, with all that it was given. */
const CONCLUSION = 'release.experiment.concluded';

const experimentSchema = z.looseObject({ settings: experimentSettingsSchema, facts: experimentFactsSchema });

const recordedRoundSchema = roundFactsSchema.omit({ number: true });
const decidedFactsSchema = lookFactsSchema.omit({ rounds: true });

/** A line to judge again, and the decision that the stack took on it, if it took one. */
export interface RecordedLook {
  readonly line: LookLine;
  readonly decided: JudgedRecord | undefined;
  /** What the experiment's judge says of the goal's counts, where it had concluded on them. */
  readonly experiment?: ExperimentResult;
}

/**
 * The looks of one recorded release: each shift, each judged round, each decision with all that was known of the stage. What
 * a release knew of the past stands in its decisions and held from the beginning.
 * @throws ImpossibleLook for records of several releases, or of several waves, whose evidence doesn't add up.
 */
export function recordedLooks(records: readonly AnyRecord[]): readonly RecordedLook[] {
  const told = records
    .filter(({ event }) => isTold(event.type))
    .map((record) => parse(judgedRecordSchema, record));
  for (const [what, values] of [
    ['release', told.map(({ data }) => data.releaseId)],
    ['wave', told.map(({ data }) => data.wave)],
  ] as const)
    if (new Set(values).size > 1) throw new ImpossibleLook(`the records are of more than one ${what}`);
  const steps = [...new Set(told.map(stepOf))];
  const history = told.map((record) => decidedFacts(record)?.history).find((known) => known !== undefined);
  return told.map((record, index) => {
    const line: LookLine = {
      at: record.event.timestamp,
      stage: steps.indexOf(stepOf(record)),
      weightPercent: record.data.weightPercent,
      ...(index === 0 && history && { history }),
      ...roundOf(record),
      ...decisionOf(record),
    };
    return { line, decided: DECISIONS.has(record.event.type) ? record : undefined, ...conclusionOf(record) };
  });
}

function isTold(type: string): boolean {
  return (
    type === CONCLUSION ||
    type === 'release.shift.done' ||
    type === 'release.round.judged' ||
    DECISIONS.has(type)
  );
}

/** A watch follows the last stage at the same weight, and is a step of its own. */
function stepOf({ data }: JudgedRecord): string {
  return `${data.stage} ${data.kind ?? 'stage'}`;
}

function roundOf({ event, data }: JudgedRecord): Partial<LookLine> {
  if (event.type !== 'release.round.judged') return {};
  return { ...parse(recordedRoundSchema, data.facts), endOfRound: true };
}

function decisionOf(record: JudgedRecord): Partial<LookLine> {
  const facts = decidedFacts(record);
  return facts === undefined
    ? {}
    : { cumulative: facts.cumulative, ...(facts.before && { before: facts.before }) };
}

function conclusionOf({ event, data }: JudgedRecord): Pick<RecordedLook, 'experiment'> {
  if (event.type !== CONCLUSION) return {};
  const { settings, facts } = parse(experimentSchema, data.experiment);
  return { experiment: judgeExperiment(settings, facts) };
}

function decidedFacts({ event, data }: JudgedRecord) {
  return DECISIONS.has(event.type) ? parse(decidedFactsSchema, data.facts) : undefined;
}

function parse<T>(schema: z.ZodType<T>, facts: unknown): T {
  const parsed = schema.safeParse(facts);
  if (!parsed.success) throw new ImpossibleLook('a record does not tell the facts that were judged');
  return parsed.data;
}
