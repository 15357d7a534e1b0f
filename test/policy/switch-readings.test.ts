import { describe, expect, it } from 'vitest';
import { ALL_ON, type SwitchStates } from '#policy/kill-switches.ts';
import { keptSwitches } from '#policy/switch-readings.ts';

const someOff: SwitchStates = { ...ALL_ON, autoRollback: { on: false, offIn: [] } };

const aReader = (answers: readonly (SwitchStates | Error)[]) => {
  let seconds = 0;
  let asked = 0;
  const troubles: unknown[] = [];
  const switches = keptSwitches({
    ask: async () => {
      const answer = answers[asked];
      asked += 1;
      if (answer === undefined || answer instanceof Error) throw answer;
      return answer;
    },
    keepSeconds: 20,
    now: () => seconds * 1_000,
    onTrouble: (error) => troubles.push(error),
  });
  return {
    read: switches.read,
    wait: (more: number) => {
      seconds += more;
    },
    asked: () => asked,
    troubles,
  };
};

describe('reading the kill switches', () => {
  it('asks once in a while, and goes by that answer meanwhile', async () => {
    const { read, wait, asked } = aReader([ALL_ON, someOff]);
    expect(await read()).toEqual({ states: ALL_ON, from: 'read' });
    wait(19);
    expect(await read()).toEqual({ states: ALL_ON, from: 'read' });
    expect(asked()).toBe(1);
    wait(1);
    expect(await read()).toEqual({ states: someOff, from: 'read' });
  });

  it('goes by what it knew last while it gets no answer, and says so', async () => {
    const down = new Error('down');
    const { read, wait, troubles } = aReader([someOff, down, ALL_ON]);
    await read();
    wait(20);
    expect(await read()).toEqual({ states: someOff, from: 'last-known' });
    expect(troubles).toEqual([down]);
    wait(20);
    expect(await read()).toEqual({ states: ALL_ON, from: 'read' });
  });

  it('takes all for on when it never got an answer, and does not ask at every look', async () => {
    const { read, asked } = aReader([new Error('down')]);
    expect(await read()).toEqual({ states: ALL_ON, from: 'built-in' });
    expect(await read()).toEqual({ states: ALL_ON, from: 'built-in' });
    expect(asked()).toBe(1);
  });
});
