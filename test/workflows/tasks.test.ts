import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import * as errors from '#platform/errors.ts';
import type { Task } from '#platform/task.ts';
import { releaseTasks } from '#releases/tasks.ts';
import { rolloutTasks } from '#rollout/tasks.ts';
import { tasks, workflows } from './definitions.ts';

const TASKS: Readonly<Record<string, Task>> = { ...releaseTasks, ...rolloutTasks };
/** The workflows that another one starts, by placeholder. */
const NESTED = ['RolloutWorkflow', 'StageWorkflow'];

/** How Step Functions says that an execution was not started, or perhaps not; the same name and input find it if it was. */
const NOT_STARTED = [
  'StepFunctions.ExecutionLimitExceeded',
  'StepFunctions.ExecutionLimitExceededException',
  'StepFunctions.ThrottlingException',
  'StepFunctions.SdkClientException',
];

const isNested = ({ state }: (typeof tasks)[number]): boolean =>
  placeholders(String(state.Arguments?.StateMachineArn ?? '')).length > 0;

/** What a task lacks of time-out, retry and catch, and why that is right. */
const LACKS: Readonly<Record<string, string>> = {
  'release.RunRollout Timeout': 'A rollout takes as long as its plan and its people.',
  'rollout.RunStage Timeout':
    'A stage ends by itself: at its deadline, or after 1,000 looks to be started again.',
  'stage.ShiftTraffic Catch': 'A stage that fails is caught by the rollout that runs it, which restores.',
  'stage.JudgeHealth Catch': 'A stage that fails is caught by the rollout that runs it, which restores.',
  'release.RestoreTraffic Catch':
    'There is nothing better to do; after the last try recover-release starts over.',
  'rollout.RestoreTraffic Catch':
    'There is nothing better to do; after the last try recover-release starts over.',
  'recovery.RestoreTraffic Catch':
    'There is nothing better to do; after the last try recover-release starts over.',
  'recovery.ConcludeRelease Catch':
    'There is nothing better to do; after the last try recover-release starts over.',
};

const placeholders = (text: string) => [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name ?? '');

describe('the tasks of the workflows', () => {
  it('are those of the task tables, each behind the state of its name', () => {
    const used = tasks.flatMap(({ stateName, state }) => {
      const [name] = placeholders(state.Arguments?.FunctionName ?? '');
      if (name !== undefined) expect(name).toBe(stateName);
      return name ?? [];
    });
    expect([...new Set(used)].sort()).toEqual(Object.keys(TASKS).sort());
  });

  it.each(workflows)('are all that $name asks to be filled in', ({ text, states }) => {
    const known = [...states.keys()].filter((name) => name in TASKS);
    const found = [...new Set(placeholders(text))].filter((name) => !NESTED.includes(name));
    expect(found.sort()).toEqual(known.sort());
  });

  it.each(tasks.filter(({ stateName }) => stateName in TASKS))(
    '$where hands over what its function takes, no more and no less',
    ({ stateName, state }) => {
      const input = TASKS[stateName]?.input;
      if (!(input instanceof z.ZodObject)) throw new Error(`${stateName} takes no object`);
      const keys = Object.keys(state.Arguments?.Payload ?? {});
      expect(Object.keys(input.shape)).toEqual(expect.arrayContaining(keys));
      const required = Object.entries(input.shape).filter(([, field]) => !field.safeParse(undefined).success);
      expect(keys).toEqual(expect.arrayContaining(required.map(([key]) => key)));
    },
  );

  it.each(tasks.filter(({ stateName }) => stateName in TASKS))(
    '$where outlives its function, so that no effect outlives its state by much',
    ({ stateName, state }) => {
      expect(state.TimeoutSeconds).toBeGreaterThan(TASKS[stateName]?.functionTimeoutSeconds ?? Infinity);
    },
  );
});

describe('a workflow that meets trouble', () => {
  const lacking = tasks.flatMap(({ where, state }) => [
    ...(state.TimeoutSeconds === undefined ? [`${where} Timeout`] : []),
    ...(state.Retry === undefined ? [`${where} Retry`] : []),
    ...(state.Catch === undefined ? [`${where} Catch`] : []),
  ]);

  it('waits for nothing without end, tries again and has a way out, but for stated reasons', () => {
    expect(lacking.sort()).toEqual(Object.keys(LACKS).sort());
  });

  it.each(tasks.filter(isNested))(
    '$where tries again what was not started, and nothing else: a second try finds the first one by its name',
    ({ state }) => {
      const [retrier, ...more] = state.Retry ?? [];
      expect(more).toEqual([]);
      expect(retrier).toMatchObject({ ErrorEquals: NOT_STARTED, JitterStrategy: 'FULL' });
      expect(retrier?.MaxAttempts).toBeGreaterThanOrEqual(5);
    },
  );

  it.each(tasks.filter((task) => task.state.Retry !== undefined && !isNested(task)))(
    '$where tries everything again that may pass, spread in time: a function that timed out has many names',
    ({ state }) => {
      const last = state.Retry?.at(-1);
      expect(last).toMatchObject({ ErrorEquals: ['States.ALL'], JitterStrategy: 'FULL' });
      expect(last?.MaxAttempts).toBeGreaterThanOrEqual(5);
      for (const retrier of state.Retry?.slice(0, -1) ?? []) expect(retrier.MaxAttempts).toBe(0);
    },
  );

  it.each(tasks.filter(({ stateName }) => stateName === 'RestoreTraffic'))(
    '$where restores through any trouble for a quarter of an hour and more, and takes no error for final',
    ({ state }) => {
      expect(state.Retry).toHaveLength(1);
      expect(state.Retry?.[0]?.MaxAttempts).toBeGreaterThanOrEqual(60);
    },
  );

  it('knows our errors by the names they have at run time, and those of Step Functions', () => {
    const ours = Object.values(errors)
      .filter((value) => value !== errors.SluiceError)
      .map((Known) => new (Known as typeof errors.ConflictError)('').name);
    const matched = tasks.flatMap(({ state }) =>
      [...(state.Retry ?? []), ...(state.Catch ?? [])].flatMap(({ ErrorEquals }) => ErrorEquals),
    );
    for (const name of matched) expect(['States.ALL', ...NOT_STARTED, ...ours]).toContain(name);
    expect(matched).not.toContain('TransientError');
  });

  it('never has an error for final that may pass', () => {
    const final = tasks.flatMap(({ state }) =>
      (state.Retry ?? [])
        .filter(({ MaxAttempts }) => MaxAttempts === 0)
        .flatMap(({ ErrorEquals }) => ErrorEquals),
    );
    expect(final).not.toContain('TransientError');
    expect(final).not.toContain('States.ALL');
  });

  it.each(workflows.filter(({ states }) => states.has('RestoreTraffic')))(
    '$name leads every caught error to the restore',
    ({ states }) => {
      // Traffic is where it is to stay by then; what is left running costs money, and no more.
      const { RetireTargets: _afterwards, ...before } = Object.fromEntries(states);
      for (const state of Object.values(before))
        for (const { Next } of state.Catch ?? []) expect(Next).toBe('RestoreTraffic');
    },
  );

  it.each(workflows.filter(({ states }) => states.has('RestoreTraffic')))(
    '$name gives back what was prepared once traffic is back, before the release may end',
    ({ states }) => {
      const after: string[] = [];
      for (let at = states.get('RestoreTraffic'); at?.Next !== undefined; ) {
        after.push(at.Next);
        const next = states.get(at.Next);
        // A choice is taken where there is something to give back.
        at = next?.Choices?.[0] ? { Type: 'Choice', Next: next.Choices[0].Next } : next;
      }
      const concludes = after.indexOf('ConcludeRelease');
      expect(after.indexOf('RetireTargets')).toBeGreaterThanOrEqual(0);
      if (concludes >= 0) expect(after.indexOf('RetireTargets')).toBeLessThan(concludes);
    },
  );
});
