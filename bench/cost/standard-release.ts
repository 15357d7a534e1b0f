import { BUNDLE_SIZE } from '#ledger/keys.ts';
import { type Plan, planOf } from '#policy/plan.ts';
import { stepsOf } from '#releases/step.ts';
import { LATENCY_GRID_MS } from '#rollout/judge/facts.ts';
import { type Calls, callsOf } from './calls.ts';
import { type LookTiming, looksOf } from './looks.ts';
import { addUsage, times, type Usage } from './prices.ts';
import { readWorkflow, type Walked, walkWorkflow } from './walk-workflow.ts';

/** What the counts can't tell, each on the generous side. */
export const ASSUMED = {
  /** What a call of a function is billed for, its share of cold starts included; warm ones take a tenth of it. */
  secondsPerCall: 1,
  gigabytesPerCall: 0.5,
  /** START, END, REPORT and our own lines. */
  logKilobytesPerCall: 1.5,
  logKilobytesPerEntry: 0.7,
  /** A ledger record as an item; a release as an item, with its service's settings in it. Both as seen on the tour. */
  recordKilobytes: 2,
  releaseKilobytes: 4,
  /** What a page of a service's last releases is asked for. */
  releasesAPage: 20,
} as const;

/** Functions that are given the flags anew in a release's course, because they were not warm: door and judge. */
const FLAG_READERS = 2;

/** Every change of a release's item is written to its three indexes too. */
const RELEASE_INDEXES = 3;

const releaseUnits = {
  put: (2 + RELEASE_INDEXES) * ASSUMED.releaseKilobytes,
  update: (1 + RELEASE_INDEXES) * ASSUMED.releaseKilobytes,
};

/** Requests, errors, server errors and three percentiles, and the latency grid, of both versions. */
export const METRICS_PER_READ = 2 * (6 + LATENCY_GRID_MS.length);

/** A batch: head, batch and its release's conclusion looked up; head, batch id and records put in one transaction, which costs twice; one index. */
const batchUsage = (records: number): Usage => ({
  invocations: 1,
  gigabyteSeconds: 2 * ASSUMED.gigabytesPerCall * ASSUMED.secondsPerCall,
  logGigabytes: ASSUMED.logKilobytesPerCall / 1e6,
  readUnits: 3,
  writeUnits: 2 * 2 + records * ASSUMED.recordKilobytes * (2 + 1),
});

/** What comes out of the ledger's stream; at worst each batch wakes publish-events by itself. */
const publishUsage = (records: number): Usage => addUsage(callUsage(), { events: records });

/**
 * The index that records are found by: rows of less than a kilobyte, one for each of a record's service, actor, type, some
 * two controls and for all, and where it ends, read before and after. At worst each batch wakes index-records by itself.
 */
const indexUsage = (records: number): Usage =>
  addUsage(callUsage(), { writeUnits: records * 6 + 1, readUnits: 4 + records });

/** All that a batch asks for, until it is read by anyone. */
export const ledgerUsage = (records: number): Usage =>
  addUsage(batchUsage(records), publishUsage(records), indexUsage(records));

/** Who asked for the release is kept beside the record of it, in the same transaction; read for its event and for the index. */
const PERSONAL: Usage = { writeUnits: 2, readUnits: 2 };

/** A bundle's move: tiles, checkpoint and what was put are read; one object is put, and its record and rows are written. */
const BUNDLE_READS = 6;

/** What it costs, a year later, to move records to the archive: taken out of the table and one index, by transactions, and read before. */
const archiveUsage = (records: number): Usage => {
  const bundles = records / BUNDLE_SIZE;
  return addUsage(times(batchUsage(1), bundles), {
    writeUnits: records * ASSUMED.recordKilobytes * (2 + 1),
    readUnits: (records * ASSUMED.recordKilobytes) / 4,
    objectPuts: bundles,
    objectReads: BUNDLE_READS * bundles,
  });
};

export const callUsage = (): Usage => ({
  invocations: 1,
  gigabyteSeconds: ASSUMED.gigabytesPerCall * ASSUMED.secondsPerCall,
  logGigabytes: ASSUMED.logKilobytesPerCall / 1e6,
  traces: 1,
});

/** The end of its workflow wakes recover-release, which looks at what is open. */
const wakeUsage = (): Usage => addUsage(callUsage(), { readUnits: 0.5 });

const callsUsage = ({
  reads,
  lists = 0,
  updates,
  batches,
  metricReads = 0,
  writeUnits = 0,
  flagRequests = 0,
  metrics = 0,
}: Calls): Usage =>
  addUsage(
    callUsage(),
    {
      readUnits: (reads + (lists * ASSUMED.releasesAPage) / 2) * Math.ceil(ASSUMED.releaseKilobytes / 4),
      writeUnits: updates * releaseUnits.update + writeUnits,
      metricsRead: metricReads * METRICS_PER_READ,
      flagRequests,
      metricHours: metrics,
    },
    ...batches.map(ledgerUsage),
  );

export const walkedUsage = ({ transitions, logEntries }: Walked): Usage => ({
  transitions,
  logGigabytes: (logEntries * ASSUMED.logKilobytesPerEntry) / 1e6,
});

export interface CountedRelease {
  readonly usage: Usage;
  readonly looks: number;
  readonly records: number;
  /** Calls of each task's function. */
  readonly calls: Readonly<Record<string, number>>;
}

/**
 * All that the functions ask for which were called as often as this, and the records that they told.
 * @throws for a task that nobody has written down.
 */
export const calledUsage = (
  calls: Readonly<Record<string, number>>,
): { readonly usage: Usage; readonly records: number } => {
  const table: Readonly<Record<string, Calls>> = callsOf(releaseUnits);
  const perCall = Object.entries(calls).map(([task, count]) => {
    const asked = table[task];
    if (asked === undefined) throw new Error(`bench/cost/calls.ts does not know task ${task}`);
    return { usage: times(callsUsage(asked), count), records: count * sum(asked.batches) };
  });
  return {
    usage: addUsage(...perCall.map(({ usage }) => usage)),
    records: sum(perCall.map(({ records }) => records)),
  };
};

/** How often each task was called on all of these ways, beside what the door does. */
export const callsOn = (walks: readonly Walked[]): Readonly<Record<string, number>> => {
  const calls: Record<string, number> = { RequestRelease: 1 };
  for (const walk of walks)
    for (const [task, count] of Object.entries(walk.calls)) calls[task] = (calls[task] ?? 0) + count;
  return calls;
};

/** What every release costs beside its calls, its ways and its looks. */
export const ONCE: Usage = addUsage({ apiRequests: 1, flagsReceived: FLAG_READERS }, wakeUsage(), PERSONAL);

/** Waves differ in nothing that costs: each is one more of these. */
const ONE_WAVE = { bakeSeconds: 0 } as const;

/** How a team's stage looks at a function with a time-out of 30 s. */
export const TEAM_TIMING: LookTiming = { periodSeconds: 60, settleSeconds: 30 + 120, waitSeconds: 60 };

/**
 * Everything that one release asks of AWS when it is asked for over the API and promoted without a hitch: the workflows
 * walked state by state, every call of a function with what that asks for in turn.
 */
export const countRelease = (
  plan: Plan = planOf('standard'),
  timing: LookTiming = TEAM_TIMING,
): CountedRelease => {
  const steps = stepsOf({ plan, waves: [ONE_WAVE] }).map((step) => looksOf(step, timing));
  const walks = [
    walkWorkflow(readWorkflow('release'), ['RunRollout']),
    walkWorkflow(readWorkflow('rollout'), [
      'AnySteps',
      'RunStage',
      ...steps.map((_, index) => (index < steps.length - 1 ? 'RunStage' : 'PromoteVersion')),
      'AnythingToRetire',
      'End',
    ]),
    ...steps.map(({ looks }) =>
      walkWorkflow(readWorkflow('stage'), [
        'WaitForLook',
        ...Array.from({ length: looks - 1 }, () => 'WaitForLook'),
        'Promote',
      ]),
    ),
  ];
  const calls = callsOn(walks);
  // The look that judges a step's last round also tells, in a batch of its own, that the step is over.
  const lookBatches = steps.flatMap(({ batches }) =>
    batches.flatMap((rounds, index) => (index === batches.length - 1 ? [rounds, 1] : [rounds])),
  );
  const called = calledUsage(calls);
  const records = sum(lookBatches) + called.records;
  return {
    usage: addUsage(
      ONCE,
      archiveUsage(records),
      ...walks.map(walkedUsage),
      called.usage,
      ...steps.map(({ asking }) => ({ metricsRead: asking * METRICS_PER_READ })),
      ...lookBatches.map(ledgerUsage),
    ),
    looks: sum(steps.map(({ looks }) => looks)),
    records,
    calls,
  };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
