import { describe, expect, it } from 'vitest';
import { outboundReach, stageConfig } from '../../infra/config.ts';
import { RULE_ARN } from '../builders/alb.ts';

describe('the configuration of a stage', () => {
  it('has defaults for everything', () => {
    expect(stageConfig('team')).toMatchObject({
      stage: 'team',
      name: 'sluice',
      retainData: true,
      secondFactor: 'required',
      metricPeriodSecondsMin: 60,
      albRules: [],
      shifterFunctions: [],
      ecsServices: [],
      ecsTaskRoles: [],
      appConfigFlags: [],
      targetRegions: [],
      alarmEmails: [],
    });
    expect(stageConfig('local')).toMatchObject({
      stage: 'local',
      retainData: false,
      secondFactor: 'optional',
    });
  });

  it('is the stage’s defaults with the settings of a file on top', () => {
    const config = stageConfig('team', {
      name: 'payments',
      lambdaTargets: ['pay-*'],
      alarmEmails: ['a@example.com'],
    });
    expect(config).toEqual({
      ...stageConfig('team'),
      name: 'payments',
      lambdaTargets: ['pay-*'],
      alarmEmails: ['a@example.com'],
    });
  });

  it.each([
    ['an unknown setting', { retainDate: true }, /retainDate/],
    ['a wrong type', { retainData: 'yes' }, /retainData/],
    [
      'a target that is an ARN',
      { lambdaTargets: ['arn:aws:lambda:us-east-1:1:function:a'] },
      /function name/,
    ],
    ['a target that is everything', { lambdaTargets: ['*'] }, /function name/],
    [
      'a load balancer rule that is every rule',
      { albRules: [RULE_ARN.replace('9683b2d02a6cabee', '*')] },
      /albRules/,
    ],
    ['a shifter function that is a pattern', { shifterFunctions: ['edge*'] }, /shifterFunctions/],
    ['ECS services by a pattern', { ecsServices: ['shop/*'] }, /ecsServices/],
    ['an ECS service without its cluster', { ecsServices: ['shop-blue'] }, /ecsServices/],
    ['task roles by a pattern', { ecsTaskRoles: ['arn:aws:iam::123456789012:role/*'] }, /ecsTaskRoles/],
    ['every flag of an application', { appConfigFlags: ['abc1234'] }, /appConfigFlags/],
    ['a region that is none', { targetRegions: ['*'] }, /targetRegions/],
    ['no target at all', { lambdaTargets: [] }, /lambdaTargets/],
    ['a name that no resource can have', { name: 'Sluice_1' }, /name/],
    ['a name that no sign-in page can have', { name: 'our-aws' }, /signInDomainPrefix/],
    ['a sign-in page of a name that none can have', { signInDomainPrefix: 'Sign.In' }, /signInDomainPrefix/],
    ['an address that is none', { alarmEmails: ['nobody'] }, /alarmEmails/],
    ['a metric period that CloudWatch has not', { metricPeriodSecondsMin: 0 }, /metricPeriodSecondsMin/],
    ['a probe host that is everything', { probeHosts: ['*'] }, /probeHosts/],
    ['a probe host that is a URL', { probeHosts: ['https://api.example.com'] }, /probeHosts/],
    [
      'a token in place of its name',
      { prometheusHosts: [{ host: 'a.example', token: 'x' }] },
      /prometheusHosts/,
    ],
    ['functions by a pattern', { metricFunctions: ['counts-*'] }, /metricFunctions/],
    ['several things at once', { retainDate: 1, name: '!' }, /retainDate[\s\S]*name|name[\s\S]*retainDate/],
  ])('refuses %s, and names it', (_, overrides, message) => {
    expect(() => stageConfig('team', overrides)).toThrow(message);
  });

  it('lets functions call nobody but the internet, and nobody there, unless it says so', () => {
    expect(stageConfig('team').probeHosts).toEqual([]);
    expect(outboundReach(stageConfig('team'))).toBe('public');
    expect(outboundReach(stageConfig('team', { privateAddresses: true }))).toBe('private');
    expect(outboundReach(stageConfig('local'))).toBe('local');
  });

  it.each([
    ['lambdaTargets', 'sluice-append-records'],
    ['lambdaTargets', 'sluice-*'],
    ['lambdaTargets', 'slu*'],
    ['lambdaTargets', '*'],
    ['shifterFunctions', 'sluice-restore-traffic'],
    ['metricFunctions', 'sluice-serve-releases'],
  ])('refuses to let %s mean functions of the stack itself: %s', (setting, pattern) => {
    expect(() => stageConfig('team', { [setting]: [pattern] })).toThrow('functions of the stack itself');
  });

  it('takes names that only look like them', () => {
    expect(stageConfig('team', { lambdaTargets: ['sluicegate', 'sluicegate-*'] }).lambdaTargets).toHaveLength(
      2,
    );
    expect(() => stageConfig('team', { name: 'other', lambdaTargets: ['other-*'] })).toThrow();
  });

  it('refuses a stage that there is not, and names those there are', () => {
    expect(() => stageConfig('prod')).toThrow(/"local"\|"team"/);
    expect(() => stageConfig('team', { stage: 'local' })).toThrow(/stage/);
  });
});
