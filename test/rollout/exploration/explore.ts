import { type Fate, Names, Scheduler, type Standing, type Step } from './scheduler.ts';

/** One run's world: fresh state, processes spawned on the scheduler, and what must hold. */
export interface World {
  /** The shared state. */
  place(): readonly unknown[];
  /** Throws when the step just taken broke an invariant. */
  observe(step: Step): void;
  /** Throws when the world, after every process ended or died, is not as it must be. */
  settle(): Promise<void>;
}

export interface Exploration {
  readonly world: (scheduler: Scheduler) => Promise<World>;
  /** How many calls may fail or kill their process in one run. */
  readonly faults: number;
  /** Which fates, besides `go`, a call may meet. */
  readonly fates: (call: string) => readonly Fate[];
  /** Whether a call neither changes nor reads what other processes change or read. */
  readonly isUnnoticed: (call: string) => boolean;
  /** How often a process that could go on may be left for another one (Musuvathi & Qadeer, PLDI 2007). */
  readonly preemptions: number;
}

export interface Explored {
  readonly runs: number;
  readonly violation?: { readonly steps: readonly Step[]; readonly error: Error };
}

/** Above this an exploration is too large to be exhaustive within a unit test. */
const RUNS_MAX = 60_000;

const isFault = ({ fate }: Step): boolean => fate !== 'go';

interface Budget {
  readonly faults: number;
  readonly preemptions: number;
  /** Whoever was at work last, where it can go on: its branch, or what is left of the process once that has ended. */
  readonly present: readonly Standing[];
}

const isIn = (standings: readonly Standing[], { process, branch }: Standing): boolean =>
  standings.some((one) => one.process === process && one.branch === branch);

const spend = ({ faults, preemptions, present }: Budget, step: Step): Omit<Budget, 'present'> => ({
  faults: faults - (isFault(step) ? 1 : 0),
  preemptions: preemptions - (present.length > 0 && !isIn(present, step) ? 1 : 0),
});

const goingOn = (ready: readonly Standing[], last: Step | undefined): readonly Standing[] => {
  const own = ready.filter(({ process }) => process === last?.process);
  const same = own.filter(({ branch }) => branch === last?.branch);
  return same.length > 0 ? same : own;
};

const isSame = (one: readonly Standing[], other: readonly Standing[]): boolean =>
  one.length === other.length && one.every((standing) => isIn(other, standing));

/** Whether whoever was here with `before` has gone everywhere that one with `budget` can go. */
const covers = (before: Budget, budget: Budget): boolean => {
  // Whoever stopped somebody else than this one has to spend one more to get where this one is.
  const more = before.present.length === 0 || isSame(before.present, budget.present) ? 0 : 1;
  return before.faults >= budget.faults && before.preemptions >= budget.preemptions + more;
};

/** The places that were entered, each with what could still be spent there. */
class Places {
  private readonly entered = new Map<string, readonly Budget[]>();

  /** False when nothing new can be found there. */
  enter(place: string, budget: Budget): boolean {
    const before = this.entered.get(place) ?? [];
    if (before.some((one) => covers(one, budget))) return false;
    this.entered.set(place, [...before.filter((one) => !covers(budget, one)), budget]);
    return true;
  }
}

/**
 * Every schedule of the world's processes within the bounds, depth first; each run begins anew and replays its prefix.
 * A place where another run went on with as much to spend is not entered again. Stops at the first violation.
 */
export const explore = async (exploration: Exploration): Promise<Explored> => {
  const { stackTraceLimit } = Error;
  // Most of its errors are thrown on purpose, by the thousand; what is told of one that isn't is the schedule before it.
  Error.stackTraceLimit = 0;
  try {
    return await exploreAll(exploration);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

const exploreAll = async (exploration: Exploration): Promise<Explored> => {
  const pending: Step[][] = [[]];
  const memory = { places: new Places(), names: new Names() };
  let runs = 0;
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    runs += 1;
    if (runs > RUNS_MAX) throw new Error(`more than ${RUNS_MAX} runs: narrow the bounds`);
    const steps: Step[] = [];
    try {
      await run(exploration, prefix, steps, memory, (branch) => pending.push(branch));
    } catch (error) {
      return { runs, violation: { steps, error: error as Error } };
    }
  }
  return { runs };
};

const run = async (
  exploration: Exploration,
  prefix: readonly Step[],
  steps: Step[],
  { places, names }: { readonly places: Places; readonly names: Names },
  branch: (steps: Step[]) => void,
): Promise<void> => {
  const scheduler = new Scheduler(names);
  const world = await exploration.world(scheduler);
  let budget: Budget = { ...exploration, present: [] };
  for (;;) {
    const ready = await scheduler.ready();
    if (ready.length === 0) break;
    budget = { ...budget, present: goingOn(ready, steps.at(-1)) };
    const replayed = prefix[steps.length];
    if (replayed === undefined) {
      const shared = world.place().map((part) => names.of(part));
      if (!places.enter(`${shared} ${scheduler.place()}`, budget)) return;
    }
    const [chosen, ...others] = replayed ? [replayed] : choices(exploration, ready, budget);
    if (chosen === undefined) break;
    for (const other of others) branch([...steps, other]);
    steps.push(chosen);
    await scheduler.take(chosen);
    budget = { ...budget, ...spend(budget, chosen) };
    world.observe(chosen);
  }
  await world.settle();
};

/**
 * Leaving a process before a call that no other one can notice leads to the same places as leaving it after that call
 * (a persistent set of one: Godefroid, LNCS 1032, 1996).
 */
const choices = (
  { fates, isUnnoticed }: Exploration,
  ready: readonly Standing[],
  { faults, preemptions, present }: Budget,
): Step[] => {
  const stays = present.length > 0 && (preemptions === 0 || present.some(({ call }) => isUnnoticed(call)));
  return (stays ? present : ready).flatMap((standing) => {
    const chances: Fate[] = ['go', ...(faults > 0 ? fates(standing.call) : [])];
    return chances.map((fate) => ({ ...standing, fate }));
  });
};

/** A schedule as people read it: one line a step. */
export const scheduleText = (steps: readonly Step[]): string =>
  steps
    .map(({ process, call, fate }) => `${process}: ${call}${fate === 'go' ? '' : ` (${fate})`}`)
    .join('\n');
