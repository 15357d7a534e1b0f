export const METRIC_NAMESPACE = 'Sluice';

/** Every metric Sluice emits; alarms import the same names. Counts unless the name says otherwise. */
export const METRIC = {
  releaseRequested: 'ReleaseRequested',
  releaseRefused: 'ReleaseRefused',
  releaseStarted: 'ReleaseStarted',
  releasePromoted: 'ReleasePromoted',
  releaseRolledBack: 'ReleaseRolledBack',
  releaseCompleted: 'ReleaseCompleted',
  releaseAborted: 'ReleaseAborted',
  commandRefused: 'CommandRefused',
  guardAlarmHeeded: 'GuardAlarmHeeded',
  restoreFailed: 'RestoreFailed',
  restoreMilliseconds: 'RestoreMilliseconds',
  releaseRecovered: 'ReleaseRecovered',
  releaseStuck: 'ReleaseStuck',
  deploymentDrifted: 'DeploymentDrifted',
  judgedWithoutData: 'JudgedWithoutData',
  rollbackHeld: 'RollbackHeld',
  autoRollbackOff: 'AutoRollbackOff',
  ledgerAppendContended: 'LedgerAppendContended',
  ledgerRecordLate: 'LedgerRecordLate',
  ledgerTampered: 'LedgerTampered',
  captureIgnored: 'CaptureIgnored',
  deliveryRefused: 'DeliveryRefused',
} as const;
