import * as z from 'zod';
import type { Control } from '#ledger/controls.ts';
import { PRODUCTION } from '#platform/ids.ts';

export const RISK_LEVELS = ['low', 'medium', 'high'] as const;
export type RiskLevel = (typeof RISK_LEVELS)[number];

export const CHANGE_TYPES = [
  'deployment',
  'configuration',
  'audit',
  'code',
  'infrastructure',
  'workflow',
] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

interface EventType {
  readonly changeType: ChangeType;
  /** What the record says became of the change, unless its writer says it more exactly. */
  readonly status: string;
  readonly controls: readonly Control[];
  /** Outside production; a change to production is always high. */
  readonly riskLevel: RiskLevel;
}

const of =
  (changeType: ChangeType) =>
  (status: string, riskLevel: RiskLevel, ...controls: readonly Control[]): EventType => ({
    changeType,
    status,
    controls,
    riskLevel,
  });

const deployment = of('deployment');
const configuration = of('configuration');
const code = of('code');
const infrastructure = of('infrastructure');
const workflow = of('workflow');

const audit = of('audit');

/**
 * Everything the ledger can say, and what each is evidence for. Intents (`….intended`) are written before their
 * effect, the rest after.
 *
 * There is no `release.requested` and no `release.commanded`, and never will be: requests and commands come in as bus
 * events of these names, every record goes out to the same bus as `sluice.<type>`, and a record of such a name could do
 * again what it tells of.
 */
const EVENT_TYPES = {
  'release.accepted': deployment('accepted', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.queued': deployment('waiting', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.refused': deployment('refused', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.started': deployment('started', 'low', 'CC8.1', 'A.8.32'),
  'release.snapshot.taken': deployment('snapshot-taken', 'low', 'CC8.1', 'A.8.32'),
  'release.preparation.intended': deployment('preparing', 'low', 'CC8.1', 'A.8.32'),
  'release.preparation.done': deployment('prepared', 'low', 'CC8.1', 'A.8.32'),
  'release.shift.intended': deployment('shifting', 'low', 'CC8.1', 'A.8.32'),
  'release.shift.done': deployment('shifted', 'low', 'CC8.1', 'A.8.32'),
  'release.round.judged': deployment('judged', 'low', 'CC7.2'),
  'release.stage.promoted': deployment('stage-promoted', 'low', 'CC7.2', 'CC8.1', 'A.8.32'),
  'release.stage.held': deployment('held', 'low', 'CC7.2'),
  'release.hook.passed': deployment('hook-passed', 'low', 'CC7.2', 'CC8.1', 'A.8.32'),
  'release.hook.failed': deployment('hook-failed', 'medium', 'CC7.2', 'CC8.1', 'A.8.32'),
  'release.watch.began': deployment('watched', 'low', 'CC7.2'),
  'release.watch.passed': deployment('watch-passed', 'low', 'CC7.2', 'CC8.1', 'A.8.32'),
  'release.experiment.concluded': deployment('experiment-concluded', 'low', 'CC7.2', 'CC8.1', 'A.8.32'),
  'release.look.decided': deployment('decided', 'medium', 'CC7.2', 'CC7.3', 'A.5.26'),
  'release.alarm.noted': deployment('alarm-noted', 'medium', 'CC7.2', 'CC7.3', 'A.5.26'),
  'release.restore.intended': deployment('restoring', 'medium', 'CC7.3', 'A.5.26'),
  'release.restore.done': deployment('restored', 'medium', 'CC7.3', 'A.5.26'),
  'release.promotion.intended': deployment('promoting', 'low', 'CC8.1', 'A.8.32'),
  'release.promotion.done': deployment('stable', 'low', 'CC8.1', 'A.8.32'),
  'release.retirement.intended': deployment('scaling-back', 'low', 'CC8.1', 'A.8.32'),
  'release.retirement.done': deployment('scaled-back', 'low', 'CC8.1', 'A.8.32'),
  'release.abort.accepted': deployment('aborting', 'medium', 'CC6.1', 'CC7.3', 'A.5.26'),
  'release.paused': deployment('paused', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.resumed': deployment('resumed', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.promotion.wished': deployment('promotion-wished', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.command.refused': deployment('command-refused', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'release.recovered': deployment('recovered', 'medium', 'CC7.2', 'CC7.3', 'A.5.26'),
  'release.promoted': deployment('promoted', 'low', 'CC8.1', 'A.8.32'),
  'release.rolled-back': deployment('rolled-back', 'medium', 'CC7.3', 'CC8.1', 'A.5.26', 'A.8.32'),
  'release.completed': deployment('completed', 'low', 'CC8.1', 'A.8.32'),
  'release.aborted': deployment('aborted', 'medium', 'CC7.3', 'CC8.1', 'A.5.26', 'A.8.32'),
  'environment.abort-all.done': deployment('stopped', 'medium', 'CC6.1', 'CC7.3', 'A.5.26'),
  'environment.freeze.intended': configuration('freezing', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'environment.frozen': configuration('frozen', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'environment.thaw.intended': configuration('thawing', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'environment.thawed': configuration('thawed', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'deployment.observed': deployment('observed', 'low', 'CC8.1', 'A.8.32'),
  'deployment.drifted': deployment('drifted', 'high', 'CC7.2', 'CC8.1', 'A.8.32'),
  'deployment.reconciled': deployment('reconciled', 'medium', 'CC7.2', 'CC8.1', 'A.8.32'),
  'service.change.intended': configuration('changing', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'service.registered': configuration('registered', 'low', 'CC6.1', 'CC8.1', 'A.8.32'),
  'service.changed': configuration('changed', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'flag.change.intended': configuration('changing', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'flag.switched-on': configuration('switched-on', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'flag.switched-off': configuration('switched-off', 'medium', 'CC6.1', 'CC8.1', 'A.8.32'),
  'flag.auto-rollback-off': configuration('unprotected', 'high', 'CC6.1', 'CC7.3', 'CC8.1', 'A.8.32'),
  'flag.drifted': configuration('drifted', 'high', 'CC7.2', 'CC8.1', 'A.8.32'),
  'ledger.verified': audit('verified', 'low', 'CC7.2'),
  'ledger.archived': audit('archived', 'low', 'CC7.2'),
  'ledger.hold.put.intended': audit('holding', 'low', 'CC6.1', 'CC7.3', 'A.5.26'),
  'ledger.hold.put': audit('held', 'medium', 'CC6.1', 'CC7.3', 'A.5.26'),
  'ledger.hold.lift.intended': audit('lifting', 'low', 'CC6.1', 'CC7.3', 'A.5.26'),
  'ledger.hold.lifted': audit('lifted', 'medium', 'CC6.1', 'CC7.3', 'A.5.26'),
  'ledger.redaction.intended': audit('redacting', 'low', 'CC6.1'),
  'ledger.redacted': audit('redacted', 'medium', 'CC6.1'),
  'ledger.verification.failed': audit('broken', 'high', 'CC7.2', 'CC7.3', 'A.5.26'),
  'ledger.redrive.intended': audit('redriving', 'low', 'CC6.1', 'CC7.3'),
  'ledger.redrive.done': audit('redriven', 'low', 'CC6.1', 'CC7.3'),
  // Captured: what others say that happened outside of Sluice.
  'change.code': code('pushed', 'low', 'CC8.1', 'A.8.32'),
  'change.infrastructure': infrastructure('pushed', 'medium', 'CC8.1', 'A.8.32'),
  'change.pull-request': code('changed', 'low', 'CC8.1', 'A.8.32'),
  'workflow.execution': workflow('completed', 'low', 'CC7.2', 'CC8.1', 'A.8.32'),
  'pipeline.execution': workflow('changed', 'low', 'CC7.2', 'CC8.1', 'A.8.32'),
  'change.target': infrastructure('changed', 'high', 'CC6.1', 'CC7.2', 'CC8.1', 'A.8.32'),
  'change.sluice': configuration('changed', 'high', 'CC6.1', 'CC7.2', 'CC8.1', 'A.8.32'),
  'deployment.requested': deployment('requested', 'low', 'CC8.1', 'A.8.32'),
  'deployment.status': deployment('changed', 'low', 'CC8.1', 'A.8.32'),
} as const satisfies Record<string, EventType>;

export type LedgerEventType = keyof typeof EVENT_TYPES;

const LEDGER_EVENT_TYPES = Object.keys(EVENT_TYPES) as [LedgerEventType, ...LedgerEventType[]];

export const eventTypeSchema = z.enum(LEDGER_EVENT_TYPES);

/**
 * A release has exactly one record of these. After it come only outcomes of what was under way by then, and records that
 * had waited in the queue, all marked late. `release.refused` counts when it names a release:
 * a request that was refused before it became one has no id.
 */
export const TERMINAL_EVENT_TYPES = [
  'release.promoted',
  'release.rolled-back',
  'release.completed',
  'release.aborted',
  'release.refused',
] as const satisfies readonly LedgerEventType[];

export const isTerminal = (type: LedgerEventType): boolean =>
  (TERMINAL_EVENT_TYPES as readonly LedgerEventType[]).includes(type);

/** Says of a release that something is about to be done: the writer takes none after the terminal record. */
export const beginsSomething = (type: LedgerEventType): boolean =>
  type.endsWith('.intended') || type === 'release.abort.accepted';

export const eventType = (type: LedgerEventType): EventType => EVENT_TYPES[type];

export const riskLevelOf = (type: LedgerEventType, environment: string | undefined): RiskLevel =>
  environment === PRODUCTION ? 'high' : EVENT_TYPES[type].riskLevel;
