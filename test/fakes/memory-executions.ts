import type { ExecutionStatus, Executions } from '#releases/launch-release.ts';

export interface MemoryExecutions extends Executions {
  /** `workflow/name` of everything started, in order, once each. */
  readonly started: readonly string[];
  /** What an execution was started with. */
  inputOf(name: string): Readonly<Record<string, unknown>> | undefined;
  /** An execution ends, with the word that Step Functions has for how. */
  end(name: string, detail: string): void;
}

interface Execution {
  readonly input: Readonly<Record<string, unknown>>;
  readonly status: ExecutionStatus;
  readonly detail: string;
}

/** Workflows by name: the second start of a name changes nothing. */
export const memoryExecutions = (): MemoryExecutions => {
  const executions = new Map<string, Execution>();
  return {
    get started() {
      return [...executions.keys()];
    },
    inputOf: (name) => executions.get(name)?.input,
    end: (name, detail) => {
      executions.set(name, { input: executions.get(name)?.input ?? {}, status: 'ended', detail });
    },
    start: async (workflow, name, input) => {
      const key = `${workflow}/${name}`;
      if (!executions.has(key)) executions.set(key, { input, status: 'running', detail: 'RUNNING' });
    },
    status: async (workflow, name) => {
      const found = executions.get(`${workflow}/${name}`);
      return found === undefined
        ? { status: 'absent', detail: 'never started' }
        : { status: found.status, detail: found.detail };
    },
  };
};
