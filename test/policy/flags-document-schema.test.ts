import { describe, expect, it } from 'vitest';
import { flagLabel, madeBy } from '#policy/flag-label.ts';
import {
  flagsDocument,
  NOBODY_CHANGED_ANY,
  STACK_LABEL,
  servedStates,
  storedStates,
} from '#policy/flags-document-schema.ts';
import { ALL_ON, KILL_SWITCHES, type SwitchState } from '#policy/kill-switches.ts';

const off: SwitchState = { on: false, offIn: [] };
const note = { by: 'olive', kind: 'user', at: '2026-05-04T10:00:00.000Z', reason: 'the judge errs' } as const;

/** AppConfig gives the values at the top, and no attributes of a flag that is not enabled. */
const served = ({ values }: ReturnType<typeof flagsDocument>): unknown =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value.enabled ? value : { enabled: false }]),
  );

describe('the document of the flags', () => {
  it('says that all are on, at first', () => {
    expect(servedStates(served(flagsDocument(NOBODY_CHANGED_ANY)))).toEqual(ALL_ON);
  });

  it('comes back as it was stored, and as far as readers need it as it is served', () => {
    const states = {
      ...NOBODY_CHANGED_ANY,
      autoRollback: { state: off, note },
      canaryMetrics: { state: { on: true, offIn: ['staging'] }, note },
    };
    const stored = JSON.parse(JSON.stringify(flagsDocument(states)));
    expect(storedStates(stored)).toEqual(states);
    expect(servedStates(served(stored))).toEqual({
      ...ALL_ON,
      autoRollback: off,
      canaryMetrics: { on: true, offIn: ['staging'] },
    });
  });

  it('defines each flag and every attribute of it, so that AppConfig checks whoever changes one', () => {
    const { flags, values } = flagsDocument({ ...NOBODY_CHANGED_ANY, autoRollback: { state: off, note } });
    expect(Object.keys(flags)).toEqual([...KILL_SWITCHES]);
    for (const name of KILL_SWITCHES) {
      const attributes = Object.keys(values[name]).filter((key) => key !== 'enabled');
      expect(Object.keys(flags[name].attributes)).toEqual(expect.arrayContaining(attributes));
    }
  });

  it('takes a flag that is not there, as after somebody removed it, for on', () => {
    expect(servedStates({})).toEqual(ALL_ON);
    expect(storedStates({ version: '1' })).toEqual(NOBODY_CHANGED_ANY);
  });

  it('lets flags and attributes of others be', () => {
    const values = { theirs: { enabled: false }, canaryMetrics: { enabled: false, colour: 'red', by: 'x' } };
    expect(servedStates(values)).toEqual({ ...ALL_ON, canaryMetrics: off });
    expect(storedStates({ values }).canaryMetrics).toEqual({ state: off });
  });

  it.each([['text'], [null], [{ autoRollback: {} }], [{ autoRollback: { enabled: 'no' } }]])(
    'is not read from %j',
    (value) => {
      expect(() => servedStates(value)).toThrow();
    },
  );
});

describe("a version's label", () => {
  it('says what made it', () => {
    expect(madeBy(STACK_LABEL)).toEqual({ kind: 'stack' });
    expect(madeBy(flagLabel('autoRollback', '01J'))).toEqual({ kind: 'api', flag: 'autoRollback' });
    for (const other of [undefined, '', 'v2', 'sluice-', 'sluice-else-01J'])
      expect(madeBy(other)).toEqual({ kind: 'outside' });
  });

  it('is one that AppConfig takes: 64 characters at most', () => {
    for (const flag of KILL_SWITCHES) expect(flagLabel(flag, '0'.repeat(26)).length).toBeLessThanOrEqual(64);
  });
});
