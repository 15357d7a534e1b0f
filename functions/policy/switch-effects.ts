import { isOn, type KillSwitch, OFF_MEANS, type SwitchStates, switchesOff } from '#policy/kill-switches.ts';

export interface SwitchReason {
  readonly code: string;
  readonly text: string;
  readonly facts: { readonly flag: KillSwitch };
}

/** Why something is otherwise than usual: the switch is off, and this is what that means. */
export const switchReason = (flag: KillSwitch): SwitchReason => ({
  code: `${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-off`,
  text: `${flag} is switched off: ${OFF_MEANS[flag]}`,
  facts: { flag },
});

/** Why no new release may start in an environment; undefined when one may. Bringing one back is never refused. */
export const startingRefusal = (states: SwitchStates, environment: string): SwitchReason | undefined =>
  isOn(states, 'canaryDeployment', environment) ? undefined : switchReason('canaryDeployment');

/** Why a guard alarm or a finding restores nothing and only tells people; undefined when it acts. */
export const alarmsOff = (states: SwitchStates, environment: string): SwitchReason | undefined => {
  const off = switchesOff(states, environment).find(
    (flag) => flag === 'rollbackAutomation' || flag === 'autoRollback',
  );
  return off && switchReason(off);
};

export interface GateRuling<R> {
  /** What stands in the way; empty lets the release pass. */
  readonly refusals: readonly R[];
  /** What would have, led by the switch that let it pass. */
  readonly warnings: readonly (R | SwitchReason)[];
}

/** What the gates' word counts for: with their switch off, what they refuse becomes a warning, to be recorded. */
export const ruleOn = <R>(
  kind: 'deploymentGates' | 'prodReadiness',
  states: SwitchStates,
  environment: string,
  refusals: readonly R[],
): GateRuling<R> =>
  refusals.length === 0 || isOn(states, kind, environment)
    ? { refusals, warnings: [] }
    : { refusals: [], warnings: [switchReason(kind), ...refusals] };
