import { TransientError } from '#platform/errors.ts';

/**
 * What the scheduler may do with a process that waits before a port call: let it happen; let it fail before or after its
 * effect (an answer that was lost); or let the process die, so that nothing of it ever runs again.
 */
export type Fate = 'go' | 'fail-before' | 'fail-after' | 'die';

/** A process and the call it waits before. */
export interface Standing {
  readonly process: string;
  readonly call: string;
  /** Of those that go on side by side in the process, which one. */
  readonly branch: string;
  /** How many steps had been taken when the call was made. */
  readonly madeAt: number;
}

export interface Step extends Standing {
  readonly fate: Fate;
}

interface Parked {
  readonly call: string;
  branch: string;
  readonly madeAt: number;
  readonly enabled: () => boolean;
  readonly proceed: (fate: Fate) => Promise<void>;
}

interface Process {
  readonly name: string;
  parked: readonly Parked[];
  /** The branch that was answered last, and how many calls it has made since: they go on side by side. */
  answered: string;
  calls: number;
  state: 'alive' | 'ended' | 'dead';
  /** What each of its branches was told so far, as one number. Its code is deterministic, so this is where it stands. */
  history: Map<string, number>;
  error: unknown;
}

/** The only branch of a process that does one thing after the other. */
export const MAIN = 'main';

/** Numbers for texts, so that places are short and quickly compared; one for all runs of an exploration. */
export class Names {
  private readonly numbers = new Map<string, number>();
  private readonly known = new WeakMap<object, number>();

  of(value: unknown): number {
    if (typeof value !== 'object' || value === null) return this.numberOf(String(value));
    const number = this.known.get(value) ?? this.numberOf(JSON.stringify(value));
    this.known.set(value, number);
    return number;
  }

  private numberOf(text: string): number {
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    return number;
  }
}

const historyText = ({ history }: Process): string =>
  [...history]
    .map(([branch, told]) => `${branch}=${told}`)
    .sort()
    .join(';');

/** Everything between two calls is microtasks: they are done when the event loop turns. */
const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Processes that stop before each call of a port, until the scheduler says what becomes of the call. */
export class Scheduler {
  private readonly processes = new Map<string, Process>();
  private readonly names: Names;
  private isQuiet = false;
  private steps = 0;

  constructor(names: Names) {
    this.names = names;
  }

  stateOf(name: string): Process['state'] | undefined {
    return this.processes.get(name)?.state;
  }

  errors(): readonly { readonly process: string; readonly error: unknown }[] {
    return [...this.processes.values()]
      .filter(({ error }) => error !== undefined)
      .map(({ name, error }) => ({ process: name, error }));
  }

  spawn(name: string, run: () => Promise<unknown>): void {
    const process: Process = {
      name,
      parked: [],
      answered: MAIN,
      calls: 0,
      state: 'alive',
      history: new Map(),
      error: undefined,
    };
    this.processes.set(name, process);
    this.isQuiet = false;
    void run().then(
      () => {
        process.state = 'ended';
      },
      (error: unknown) => {
        process.state = 'ended';
        process.error = error;
      },
    );
  }

  /** A port whose every call waits for its turn. Calls are told apart by `labelOf` their arguments, where there is more than one of a kind. */
  ported<Port extends object>(
    name: string,
    portName: string,
    port: Port,
    labelOf: (args: readonly unknown[]) => string = () => '',
  ): Port {
    return new Proxy(port, {
      get: (target, member, receiver) => {
        const method: unknown = Reflect.get(target, member, receiver);
        if (typeof method !== 'function' || typeof member !== 'string') return method;
        return (...args: unknown[]) =>
          this.call(
            name,
            `${portName}.${member}${labelOf(args)}`,
            () => method.apply(target, args) as Promise<unknown>,
          );
      },
    });
  }

  /** Waits, without a port, until `enabled`. */
  until(name: string, what: string, enabled: () => boolean): Promise<unknown> {
    return this.call(name, what, async () => undefined, enabled);
  }

  /** What a process was told without having waited for it. */
  note(name: string, answer: unknown): void {
    const { history, answered } = this.process(name);
    history.set(answered, this.names.of(`${history.get(answered) ?? ''},${this.names.of(answer)}`));
  }

  private process(name: string): Process {
    const process = this.processes.get(name);
    if (process === undefined) throw new Error(`no process ${name}`);
    return process;
  }

  /** One call that waits for its turn. */
  call<T>(
    name: string,
    call: string,
    effect: () => Promise<T>,
    enabled: () => boolean = () => true,
  ): Promise<T> {
    const process = this.process(name);
    const told = process.history.get(process.answered) ?? '';
    const branch = process.calls === 0 ? process.answered : `${process.answered}+${told}/${process.calls}`;
    process.calls += 1;
    return new Promise((resolve, reject) => {
      const answered = (answer: unknown) => {
        process.answered = parked.branch;
        process.calls = 0;
        this.note(name, answer);
      };
      const fail = (error: unknown) => {
        answered(error instanceof Error ? error.name : error);
        reject(error);
      };
      const parked: Parked = {
        call,
        branch,
        madeAt: this.steps,
        enabled,
        proceed: async (fate) => {
          process.parked = process.parked.filter((other) => other !== parked);
          if (fate === 'die') {
            process.state = 'dead';
            process.parked = [];
            return;
          }
          if (fate === 'fail-before') return fail(new TransientError(`${call} did not answer`));
          try {
            const result = await effect();
            if (fate === 'fail-after') return fail(new TransientError(`${call} did not answer`));
            answered(result);
            resolve(result);
          } catch (error) {
            fail(error);
          }
        },
      };
      process.parked = [...process.parked, parked];
    });
  }

  /** Until every living process waits before a call. */
  private async quiet(): Promise<void> {
    if (this.isQuiet) return;
    await turnOfTheLoop();
    for (const process of this.processes.values()) {
      if (process.state === 'alive' && process.parked.length === 0)
        throw new Error(`${process.name} waits for something that is no port`);
      this.join(process);
    }
    this.isQuiet = true;
  }

  /** When one branch is left, it is the process itself again, with all that its branches were told, in whichever order. */
  private join(process: Process): void {
    const [only, ...others] = process.parked;
    if (only === undefined || others.length > 0 || (process.history.size < 2 && only.branch === MAIN)) return;
    process.history = new Map([[MAIN, this.names.of(historyText(process))]]);
    only.branch = MAIN;
  }

  /** Every call that waits, whether or not it can go on; in the order in which the processes were spawned. */
  waiting(): readonly Standing[] {
    return [...this.processes.values()].flatMap(({ name, parked }) =>
      parked.map(({ call, branch, madeAt }) => ({ process: name, call, branch, madeAt })),
    );
  }

  /** Every call that can go on. */
  async ready(): Promise<readonly Standing[]> {
    await this.quiet();
    return this.waiting().filter((standing) => this.parked(standing)?.enabled());
  }

  private parked({ process, branch }: Standing): Parked | undefined {
    return this.processes.get(process)?.parked.find((one) => one.branch === branch);
  }

  async take(step: Step): Promise<void> {
    const parked = this.parked(step);
    if (parked === undefined) throw new Error(`${step.process} does not wait before a call`);
    this.steps += 1;
    this.isQuiet = false;
    await parked.proceed(step.fate);
    await this.quiet();
  }

  /** Where every process stands: equal for two runs that went different ways to the same place. */
  place(): string {
    return [...this.processes.values()]
      .map((process) => `${process.state}:${historyText(process)}`)
      .join(' ');
  }
}
