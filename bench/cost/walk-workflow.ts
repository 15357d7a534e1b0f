import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';

const stateSchema = z.object({
  Type: z.enum(['Pass', 'Task', 'Choice', 'Wait', 'Succeed', 'Fail']),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.object({ Next: z.string() })).optional(),
  Resource: z.string().optional(),
  Arguments: z.record(z.string(), z.unknown()).optional(),
});

export const workflowSchema = z.object({ StartAt: z.string(), States: z.record(z.string(), stateSchema) });
export type WorkflowDefinition = z.infer<typeof workflowSchema>;

export const readWorkflow = (name: string): WorkflowDefinition =>
  workflowSchema.parse(
    JSON.parse(
      readFileSync(path.join(import.meta.dirname, '..', '..', 'statemachines', `${name}.asl.json`), 'utf8'),
    ),
  );

export interface Walked {
  /** States entered, and one more for the end, which some of AWS's own examples count. */
  readonly transitions: number;
  /** How often each task's function is called, by the task's name. */
  readonly calls: Readonly<Record<string, number>>;
  /** How often each nested workflow is started, by its placeholder. */
  readonly nested: Readonly<Record<string, number>>;
  /** Entries in the execution's log: entered and left, and for a task scheduled, started and succeeded too. */
  readonly logEntries: number;
}

const placeholderOf = (value: unknown): string => /^\$\{(\w+)\}$/.exec(String(value))?.[1] ?? '';

const increment = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

/**
 * Follows a workflow from start to end and counts. `ways` names the next state at each Choice, in order, so that the
 * path is said and everything on it is the file's own.
 * @throws when a choice has no such way, or ways are left over.
 */
export const walkWorkflow = ({ StartAt, States }: WorkflowDefinition, ways: readonly string[]): Walked => {
  const left = [...ways];
  const calls: Record<string, number> = {};
  const nested: Record<string, number> = {};
  let transitions = 1;
  let logEntries = 2;
  let name: string | undefined = StartAt;
  while (name !== undefined) {
    const state: z.infer<typeof stateSchema> | undefined = States[name];
    if (state === undefined) throw new Error(`there is no state ${name}`);
    transitions += 1;
    logEntries += state.Type === 'Task' ? 5 : 2;
    if (state.Resource?.includes(':lambda:')) increment(calls, placeholderOf(state.Arguments?.FunctionName));
    if (state.Resource?.includes(':states:startExecution'))
      increment(nested, placeholderOf(state.Arguments?.StateMachineArn));
    if (state.Type === 'Choice') {
      const way = left.shift();
      const open: readonly (string | undefined)[] = [
        ...(state.Choices ?? []).map(({ Next }) => Next),
        state.Default,
      ];
      if (way === undefined || !open.includes(way)) throw new Error(`${name} has no way ${way}`);
      name = way;
    } else name = state.Next;
  }
  if (left.length > 0) throw new Error(`ways left over: ${left.join(', ')}`);
  return { transitions, calls, nested, logEntries };
};
