import { describe, expect, it } from 'vitest';
import { METRIC, METRIC_NAMESPACE } from '../../functions/platform/metric-names.ts';
import { referencesIn, Synthesized } from './synthesized.ts';

const local = new Synthesized('local');
const [dashboard, ...others] = local.all('AWS::CloudWatch::Dashboard');
const body = dashboard?.Properties.DashboardBody;
const shown = new Set(referencesIn(body));
const text = JSON.stringify(body);

describe('the dashboard', () => {
  it('is one, and in a team’s stage one that it asks for: it has its price', () => {
    expect(others).toEqual([]);
    expect(dashboard?.Properties.DashboardName).toBe('sluice-rollouts');
    expect(new Synthesized('team').all('AWS::CloudWatch::Dashboard')).toEqual([]);
    expect(new Synthesized('team', { dashboard: true }).all('AWS::CloudWatch::Dashboard')).toHaveLength(1);
  });

  it('shows every alarm, and every queue that something may wait in', () => {
    for (const type of ['AWS::CloudWatch::Alarm', 'AWS::SQS::Queue'])
      for (const { id } of local.all(type)) expect(shown, id).toContain(id);
  });

  it('shows how releases end, restores, looks without data and the ledger, as they are counted', () => {
    const names = [
      METRIC.releaseRequested,
      METRIC.releaseRefused,
      METRIC.releaseStarted,
      METRIC.releasePromoted,
      METRIC.releaseRolledBack,
      METRIC.releaseCompleted,
      METRIC.releaseAborted,
      METRIC.restoreMilliseconds,
      METRIC.judgedWithoutData,
      METRIC.rollbackHeld,
      METRIC.releaseStuck,
      METRIC.ledgerAppendContended,
      METRIC.ledgerRecordLate,
    ];
    for (const name of names) expect(text).toContain(`\\"${METRIC_NAMESPACE}\\",\\"${name}\\",\\"service\\"`);
  });
});
