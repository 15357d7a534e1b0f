import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { storedStates } from '#policy/flags-document-schema.ts';
import { ALL_ON, KILL_SWITCHES } from '#policy/kill-switches.ts';
import { Synthesized } from './synthesized.ts';

const team = new Synthesized('team');
const one = (type: string) => {
  const [found, ...others] = team.all(`AWS::AppConfig::${type}`);
  expect(others).toEqual([]);
  return found?.Properties ?? expect.fail(`no ${type}`);
};

describe('the flags that the stack deploys', () => {
  const content: string = one('HostedConfigurationVersion').Content;

  it('are feature flags, all on', () => {
    expect(one('ConfigurationProfile').Type).toBe('AWS.AppConfig.FeatureFlags');
    const states = storedStates(JSON.parse(content));
    for (const flag of KILL_SWITCHES) expect(states[flag].state).toEqual(ALL_ON[flag]);
  });

  it('never change again: the next deployment of the stack would switch on what people switched off', () => {
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
    expect(digest).toBe('5312595d0f8d128f');
  });

  it('are in force at once', () => {
    expect(one('DeploymentStrategy')).toMatchObject({
      DeploymentDurationInMinutes: 0,
      FinalBakeTimeInMinutes: 0,
      GrowthFactor: 100,
    });
  });
});
