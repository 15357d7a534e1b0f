import type { releaseTasks } from '../../functions/releases/tasks.ts';
import type { rolloutTasks } from '../../functions/rollout/tasks.ts';

/** What one call of a function asks of AWS besides being run. Calls that cost nothing (aliases, executions) are left out. */
export interface Calls {
  /** Consistent reads of an item of table `releases` or `services`. */
  readonly reads: number;
  /** Pages of a service's last releases, by an index: none is consistent. */
  readonly lists?: number;
  /** Conditional updates of the release's item. */
  readonly updates: number;
  /** Batches given to the ledger's writer, by the number of records in each. */
  readonly batches: readonly number[];
  /** Requests for the metrics of both versions. */
  readonly metricReads?: number;
  /** Further write units: transactions that take in or close a release. */
  readonly writeUnits?: number;
  /** Requests for the kill switches. */
  readonly flagRequests?: number;
  /** Metrics of ours that it counts when all goes well. */
  readonly metrics?: number;
}

type Task = keyof typeof releaseTasks | keyof typeof rolloutTasks;

/**
 * By the code of each handler, when nothing fails and nothing is tried again. What JudgeHealth asks and tells depends on
 * the look, and is counted with the stages. Checked against what the functions asked of the emulator (test/bench).
 */
export const callsOf = (releaseUnits: { readonly put: number; readonly update: number }) =>
  ({
    /** `POST /v1/releases`: service, release put with its two locks and the key, launched. */
    RequestRelease: {
      reads: 2,
      updates: 1,
      batches: [1],
      writeUnits: releaseUnits.put + 6,
      flagRequests: 2,
      metrics: 1,
    },
    AdmitRelease: { reads: 1, updates: 0, batches: [1], metrics: 1 },
    /** What the last release left is looked up; the list shows this one too, which is then read as it is. */
    TakeSnapshot: { reads: 2, lists: 1, updates: 1, batches: [1], metricReads: 1 },
    ShiftTraffic: { reads: 3, updates: 1, batches: [1, 1] },
    JudgeHealth: { reads: 1, updates: 1, batches: [], flagRequests: 1 },
    PromoteVersion: { reads: 3, updates: 2, batches: [1, 1] },
    /** Decided, recorded, closed: the release's item once more in a transaction, which costs twice, and its two locks. */
    ConcludeRelease: {
      reads: 3,
      updates: 1,
      batches: [1],
      writeUnits: 2 * releaseUnits.update + 4,
      metrics: 1,
    },
    /** Not on the way of a release of an alias that goes well. */
    RetireTargets: { reads: 0, updates: 0, batches: [] },
    /** Not on the way of a release without hooks. */
    RunHooks: { reads: 0, updates: 0, batches: [] },
    /** Mode and fence raised and read, traffic verified and noted: the end of an experiment, and of nothing else that goes well. */
    RestoreTraffic: { reads: 2, updates: 2, batches: [1, 1] },
  }) satisfies Record<Task | 'RequestRelease', Calls>;
