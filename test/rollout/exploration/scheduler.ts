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
}

export interface Step extends Standing {
  readonly fate: Fate;
}

interface Parked {
  readonly call: string;
  readonly enabled: () => boolean;
  readonly proceed: (fate: Fate) => Promise<void>;
}

interface Process {
  readonly name: string;
  parked: Parked | undefined;
  state: 'alive' | 'ended' | 'dead';
  /** What it was told so far. Its code is deterministic, so this is where it stands. */
  readonly history: number[];
  error: unknown;
}

/** Numbers for texts, so that places are short and quickly compared; one for all runs of an exploration. */
export class Names {
  private readonly numbers = new Map<string, number>();
  private readonly texts = new WeakMap<object, string>();

  of(value: unknown): number {
    const text = typeof value === 'object' && value !== null ? this.textOf(value) : String(value);
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    return number;
  }

  private textOf(value: object): string {
    const text = this.texts.get(value) ?? JSON.stringify(value);
    this.texts.set(value, text);
    return text;
  }
}

/** Processes that stop before each call of a port, until the scheduler says what becomes of the call. */
export class Scheduler {
  private readonly processes = new Map<string, Process>();
  private readonly names: Names;

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
    const process: Process = { name, parked: undefined, state: 'alive', history: [], error: undefined };
    this.processes.set(name, process);
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

  /** A port whose every call waits for its turn. */
  ported<Port extends object>(name: string, portName: string, port: Port): Port {
    return new Proxy(port, {
      get: (target, member, receiver) => {
        const method: unknown = Reflect.get(target, member, receiver);
        if (typeof method !== 'function' || typeof member !== 'string') return method;
        return (...args: unknown[]) =>
          this.park(name, `${portName}.${member}`, () => method.apply(target, args) as Promise<unknown>);
      },
    });
  }

  /** Waits, without a port, until `enabled`. */
  until(name: string, what: string, enabled: () => boolean): Promise<unknown> {
    return this.park(name, what, async () => undefined, enabled);
  }

  private park(
    name: string,
    call: string,
    effect: () => Promise<unknown>,
    enabled: () => boolean = () => true,
  ): Promise<unknown> {
    const process = this.processes.get(name);
    if (process === undefined) throw new Error(`no process ${name}`);
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        process.history.push(this.names.of(error instanceof Error ? error.name : error));
        reject(error);
      };
      process.parked = {
        call,
        enabled,
        proceed: async (fate) => {
          process.parked = undefined;
          if (fate === 'die') {
            process.state = 'dead';
            return;
          }
          if (fate === 'fail-before') return fail(new TransientError(`${call} did not answer`));
          try {
            const result = await effect();
            if (fate === 'fail-after') return fail(new TransientError(`${call} did not answer`));
            process.history.push(this.names.of(result));
            resolve(result);
          } catch (error) {
            fail(error);
          }
        },
      };
    });
  }

  /** Until every living process waits before a call. Everything between two calls is microtasks. */
  private async quiet(): Promise<void> {
    for (let turn = 0; turn < 1_000; turn += 1) {
      if ([...this.processes.values()].every(({ state, parked }) => state !== 'alive' || parked)) return;
      await Promise.resolve();
    }
    throw new Error('a process waits for something that is no port');
  }

  /** Every process that can go on, with the call it stands before; in the order in which they were spawned. */
  async ready(): Promise<readonly Standing[]> {
    await this.quiet();
    return [...this.processes.values()].flatMap(({ name, state, parked }) =>
      state === 'alive' && parked?.enabled() ? [{ process: name, call: parked.call }] : [],
    );
  }

  async take({ process, fate }: Step): Promise<void> {
    const parked = this.processes.get(process)?.parked;
    if (parked === undefined) throw new Error(`${process} does not wait before a call`);
    await parked.proceed(fate);
    await this.quiet();
  }

  /** Where every process stands: equal for two runs that went different ways to the same place. */
  place(): string {
    return [...this.processes.values()]
      .map(({ state, history }) => `${state}:${history.join(',')}`)
      .join(' ');
  }
}
