import { type Finding, finding } from '#rollout/doctor/finding.ts';
import { type Guards, guardFault } from '#rollout/guards.ts';

/** Whether the guard alarms would let a release begin, and whether each would bring one back. */
export const alarmFinding = (guards: Guards): Finding => {
  const { alarms, unknown } = guards;
  const facts = { alarms, unknown };
  const fault = guardFault(guards);
  if (fault !== undefined) return finding('alarms', 'fail', fault, facts);
  const namesOf = (ones: Guards['alarms']) => ones.map(({ name }) => name).join(', ');
  const blind = alarms.filter(({ state }) => state === 'INSUFFICIENT_DATA');
  if (blind.length > 0)
    return finding(
      'alarms',
      'warn',
      `guard alarm ${namesOf(blind)} has no data, and guards nothing until it has; look whether its metric is the right one`,
      facts,
    );
  return finding('alarms', 'ok', `guard alarms are there and not raised: ${namesOf(alarms)}`, facts);
};
