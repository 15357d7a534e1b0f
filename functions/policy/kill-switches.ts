import * as z from 'zod';
import { environmentNameSchema, PRODUCTION } from '#platform/ids.ts';

/** Parts of Sluice that people can switch off without deploying anything. All are on unless someone switched them off. */
export const KILL_SWITCHES = [
  'canaryDeployment',
  'canaryMonitoring',
  'prodValidation',
  'autoRollback',
  'deploymentGates',
  'canaryMetrics',
  'prodReadiness',
  'rollbackAutomation',
] as const;
export type KillSwitch = (typeof KILL_SWITCHES)[number];

export const killSwitchSchema = z.enum(KILL_SWITCHES);

/** What it means that a switch is off, for people. */
export const OFF_MEANS: Readonly<Record<KillSwitch, string>> = {
  canaryDeployment: 'no new release starts; those on their way go on, and everything can be rolled back',
  canaryMonitoring: 'looks are no longer shown on the release; they go on, and are recorded',
  prodValidation: 'the final verification in production is skipped, once an earlier stage was judged',
  autoRollback: 'a breach holds the release where it is until people abort it; nothing restores it by itself',
  deploymentGates: 'a gate that says no warns, and stops nothing',
  canaryMetrics: 'releases are judged by their probes alone',
  prodReadiness: 'a production-readiness blocker warns, and stops nothing',
  rollbackAutomation: 'guard alarms and findings notify, and restore nothing',
};

/** Off everywhere, or on except in some environments. */
export const switchStateSchema = z
  .strictObject({
    on: z.boolean(),
    offIn: z
      .array(environmentNameSchema)
      .max(50)
      .refine((names) => new Set(names).size === names.length, { message: 'must name each environment once' })
      .default([]),
  })
  .refine(({ on, offIn }) => on || offIn.length === 0, {
    path: ['offIn'],
    message: 'must be left out of a switch that is off: it is off everywhere',
  });
export type SwitchState = z.infer<typeof switchStateSchema>;

export type SwitchStates = Readonly<Record<KillSwitch, SwitchState>>;

export const ON: SwitchState = { on: true, offIn: [] };

/** The built-in default, for when the switches were never read: nothing of what protects people is missing then. */
export const ALL_ON = Object.fromEntries(KILL_SWITCHES.map((name) => [name, ON])) as unknown as SwitchStates;

/** Their names say where they belong: elsewhere there is nothing to switch off. */
const OF_PRODUCTION: ReadonlySet<KillSwitch> = new Set(['prodValidation', 'prodReadiness']);

/** Whether a state switches something off in an environment. */
const isOff = ({ on, offIn }: SwitchState, environment: string): boolean =>
  !on || offIn.includes(environment);

/** The switches that are off in an environment, in the order of their list. */
export const switchesOff = (states: SwitchStates, environment: string): readonly KillSwitch[] =>
  KILL_SWITCHES.filter(
    (name) => isOff(states[name], environment) && (environment === PRODUCTION || !OF_PRODUCTION.has(name)),
  );

export const isOn = (states: SwitchStates, name: KillSwitch, environment: string): boolean =>
  !switchesOff(states, environment).includes(name);

/** Whether this state takes automatic rollback from production: that is told louder than any other change. */
export const exposesProduction = (name: KillSwitch, state: SwitchState): boolean =>
  name === 'autoRollback' && isOff(state, PRODUCTION);

export const isSameState = (one: SwitchState, other: SwitchState): boolean =>
  one.on === other.on && one.offIn.toSorted().join() === other.offIn.toSorted().join();
