import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.resolve(import.meta.dirname, '..', '..', 'statemachines');

interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly MaxAttempts?: number;
  readonly JitterStrategy?: string;
}

interface Branch {
  readonly Next: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
}

/** As much of a state as the tests look at (Amazon States Language, JSONata). */
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Arguments?: {
    readonly FunctionName?: string;
    readonly StateMachineArn?: string;
    readonly Payload?: Readonly<Record<string, unknown>>;
    readonly Input?: Readonly<Record<string, unknown>>;
  };
  readonly TimeoutSeconds?: number;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly (Branch & { readonly ErrorEquals: readonly string[] })[];
  readonly Choices?: readonly (Branch & { readonly Condition: string })[];
  readonly Default?: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Next?: string;
}

export interface Workflow {
  readonly name: string;
  readonly text: string;
  readonly start: string;
  readonly states: ReadonlyMap<string, State>;
}

/** Every workflow there is. */
export const workflows: readonly Workflow[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.asl.json'))
  .map((file) => {
    const text = readFileSync(path.join(FOLDER, file), 'utf8');
    const { StartAt, States } = JSON.parse(text) as { StartAt: string; States: Record<string, State> };
    return {
      name: file.replace('.asl.json', ''),
      text,
      start: StartAt,
      states: new Map(Object.entries(States)),
    };
  });

/** `workflow.State` and the state, for every task of every workflow. */
export const tasks = workflows.flatMap(({ name, states }) =>
  [...states]
    .filter(([, state]) => state.Type === 'Task')
    .map(([stateName, state]) => ({ where: `${name}.${stateName}`, stateName, state })),
);

/** The expressions in a value, wherever they are in it, without their `{% %}`. */
export const expressionsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') {
    const expression = /^\{%(.*)%\}$/s.exec(value)?.[1];
    return expression === undefined ? [] : [expression.trim()];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(expressionsIn) : [];
};
