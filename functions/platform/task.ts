import type * as z from 'zod';

/**
 * A task of a workflow: the contract between an ASL state and the Lambda behind it. The key in a task table is the
 * state's name, the placeholder in the ASL file and the base of the handler's file name.
 */
export interface Task {
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** The state's TimeoutSeconds must be longer than this, so that no effect outlives its state by much. */
  readonly functionTimeoutSeconds: number;
}

export type TaskTable = { readonly [name: string]: Task };

export const defineTasks = <const T extends TaskTable>(table: T): T => table;
