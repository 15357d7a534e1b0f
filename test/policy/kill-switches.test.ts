import { describe, expect, it } from 'vitest';
import {
  ALL_ON,
  exposesProduction,
  isOn,
  KILL_SWITCHES,
  OFF_MEANS,
  switchesOff,
  switchStateSchema,
} from '#policy/kill-switches.ts';
import { alarmsOff, ruleOn, startingRefusal } from '#policy/switch-effects.ts';

const off = { on: false, offIn: [] };
const offIn = (...names: string[]) => ({ on: true, offIn: names });

describe('the kill switches', () => {
  it('are all on by default, everywhere', () => {
    expect(KILL_SWITCHES).toHaveLength(8);
    for (const environment of ['production', 'staging']) expect(switchesOff(ALL_ON, environment)).toEqual([]);
  });

  it('are off everywhere, or in the environments named', () => {
    const states = { ...ALL_ON, autoRollback: off, canaryMetrics: offIn('staging') };
    expect(switchesOff(states, 'production')).toEqual(['autoRollback']);
    expect(switchesOff(states, 'staging')).toEqual(['autoRollback', 'canaryMetrics']);
    expect(isOn(states, 'canaryMetrics', 'production')).toBe(true);
  });

  it.each(['prodValidation', 'prodReadiness'] as const)('%s speaks of production alone', (name) => {
    const states = { ...ALL_ON, [name]: off };
    expect(isOn(states, name, 'production')).toBe(false);
    expect(isOn(states, name, 'staging')).toBe(true);
  });

  it('tell when production is left without automatic rollback', () => {
    expect(exposesProduction('autoRollback', off)).toBe(true);
    expect(exposesProduction('autoRollback', offIn('staging', 'production'))).toBe(true);
    expect(exposesProduction('autoRollback', offIn('staging'))).toBe(false);
    expect(exposesProduction('canaryMetrics', off)).toBe(false);
  });

  it.each([
    ['off, and off in some', { on: false, offIn: ['staging'] }],
    ['an environment twice', { on: true, offIn: ['staging', 'staging'] }],
    ['no environment', { on: true, offIn: ['Production'] }],
    ['more environments than anyone has', { on: true, offIn: Array.from({ length: 51 }, (_, n) => `e${n}`) }],
    ['neither on nor off', {}],
  ])('refuse %s', (_, state) => {
    expect(switchStateSchema.safeParse(state).success).toBe(false);
  });
});

describe('what a switch that is off does', () => {
  it('canaryDeployment: no release starts, with the reason', () => {
    expect(startingRefusal(ALL_ON, 'production')).toBeUndefined();
    expect(startingRefusal({ ...ALL_ON, canaryDeployment: offIn('staging') }, 'production')).toBeUndefined();
    expect(startingRefusal({ ...ALL_ON, canaryDeployment: off }, 'production')).toEqual({
      code: 'canary-deployment-off',
      text: `canaryDeployment is switched off: ${OFF_MEANS.canaryDeployment}`,
      facts: { flag: 'canaryDeployment' },
    });
  });

  it('rollbackAutomation: alarms only notify', () => {
    expect(alarmsOff(ALL_ON, 'production')).toBeUndefined();
    const states = { ...ALL_ON, rollbackAutomation: offIn('production') };
    expect(alarmsOff(states, 'production')?.code).toBe('rollback-automation-off');
    expect(alarmsOff(states, 'staging')).toBeUndefined();
  });

  it('autoRollback: alarms restore nothing either', () => {
    expect(alarmsOff({ ...ALL_ON, autoRollback: off }, 'production')?.code).toBe('auto-rollback-off');
  });

  const refusals = [{ code: 'unsigned', text: 'the artifact is not signed' }];

  it.each(['deploymentGates', 'prodReadiness'] as const)(
    '%s: what would refuse is a warning, and says why it is only one',
    (kind) => {
      expect(ruleOn(kind, ALL_ON, 'production', refusals)).toEqual({ refusals, warnings: [] });
      const { warnings, ...ruling } = ruleOn(kind, { ...ALL_ON, [kind]: off }, 'production', refusals);
      expect(ruling).toEqual({ refusals: [] });
      expect(warnings).toEqual([expect.objectContaining({ facts: { flag: kind } }), ...refusals]);
      expect(ruleOn(kind, { ...ALL_ON, [kind]: off }, 'production', [])).toEqual({
        refusals: [],
        warnings: [],
      });
    },
  );
});
