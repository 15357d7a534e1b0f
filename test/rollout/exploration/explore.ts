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
  readonly last: string | undefined;
}

const spend = (budget: Budget, step: Step, canGoOn: boolean): Budget => ({
  faults: budget.faults - (isFault(step) ? 1 : 0),
  preemptions: budget.preemptions - (canGoOn && step.process !== budget.last ? 1 : 0),
  last: step.process,
});

/**
 * Every schedule of the world's processes within the bounds, depth first; each run begins anew and replays its prefix.
 * A place already seen with the same budget is not entered twice. Stops at the first violation.
 */
export const explore = async (exploration: Exploration): Promise<Explored> => {
  const pending: Step[][] = [[]];
  const memory = { seen: new Set<string>(), names: new Names() };
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
  { seen, names }: { readonly seen: Set<string>; readonly names: Names },
  branch: (steps: Step[]) => void,
): Promise<void> => {
  const scheduler = new Scheduler(names);
  const world = await exploration.world(scheduler);
  let budget: Budget = { ...exploration, last: undefined };
  for (;;) {
    const ready = await scheduler.ready();
    if (ready.length === 0) break;
    const canGoOn = ready.some(({ process }) => process === budget.last);
    const replayed = prefix[steps.length];
    if (replayed === undefined) {
      const { faults, preemptions, last } = budget;
      const shared = world.place().map((part) => names.of(part));
      const place = `${shared} ${scheduler.place()} ${faults} ${preemptions} ${last}`;
      if (seen.has(place)) return;
      seen.add(place);
    }
    const [chosen, ...others] = replayed ? [replayed] : choices(exploration, ready, budget, canGoOn);
    if (chosen === undefined) break;
    for (const other of others) branch([...steps, other]);
    steps.push(chosen);
    await scheduler.take(chosen);
    budget = spend(budget, chosen, canGoOn);
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
  budget: Budget,
  canGoOn: boolean,
): Step[] => {
  const present = ready.find(({ process }) => process === budget.last);
  const stays = canGoOn && (budget.preemptions === 0 || (present && isUnnoticed(present.call)));
  return ready
    .filter(({ process }) => !stays || process === budget.last)
    .flatMap(({ process, call }) => {
      const chances: Fate[] = ['go', ...(budget.faults > 0 ? fates(call) : [])];
      return chances.map((fate) => ({ process, call, fate }));
    });
};

/** A schedule as people read it: one line a step. */
export const scheduleText = (steps: readonly Step[]): string =>
  steps
    .map(({ process, call, fate }) => `${process}: ${call}${fate === 'go' ? '' : ` (${fate})`}`)
    .join('\n');
