import type { Context } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ConflictError } from '#platform/errors.ts';
import { defineTasks } from '#platform/task.ts';

vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'a-task');
const { serveTask } = await import('#platform/serve-task.ts');

const tasks = defineTasks({
  Weigh: {
    input: z.strictObject({ stage: z.int().default(0) }),
    output: z.strictObject({ weightPercent: z.number() }),
    functionTimeoutSeconds: 30,
  },
});
const context = { awsRequestId: 'r-1', functionName: 'weigh' } as Context;
const invoke = (run: (input: { stage: number }) => Promise<{ weightPercent: number }>, event: unknown) =>
  serveTask(tasks.Weigh)(run)(event, context);

describe("a workflow's task", () => {
  it('gets its input checked and completed, and answers by its contract', async () => {
    const run = vi.fn(async ({ stage }) => ({ weightPercent: 5 + stage }));
    expect(await invoke(run, { stage: 20 })).toEqual({ weightPercent: 25 });
    await invoke(run, {});
    expect(run).toHaveBeenLastCalledWith({ stage: 0 });
  });

  it.each([
    ['an unknown key', { stage: 1, weight: 99 }],
    ['a wrong type', { stage: '1' }],
    ['nothing', null],
    ['a list', []],
  ])('never runs on %s', async (_what, event) => {
    const run = vi.fn(async () => ({ weightPercent: 5 }));
    await expect(invoke(run, event)).rejects.toMatchObject({ name: 'InvalidRequestError' });
    expect(run).not.toHaveBeenCalled();
  });

  it('fails rather than hand on what the workflow does not expect', async () => {
    const run = async () => ({ weightPercent: 5, secret: 1 });
    await expect(invoke(run, {})).rejects.toThrow();
  });

  it('fails with the very error, because the workflow routes it by name', async () => {
    const error = new ConflictError('someone else moved the traffic');
    const run = async () => Promise.reject(error);
    await expect(invoke(run, {})).rejects.toBe(error);
    expect(error.name).toBe('ConflictError');
  });
});
