import type { LedgerEventType } from '#ledger/event-types.ts';
import type { LedgerRecord } from '#ledger/record.ts';

/** Open Cybersecurity Schema Framework (schema.ocsf.io), class Entity Management of category Identity & Access Management. */
export const OCSF_VERSION = '1.5.0';
const CLASS = { category_uid: 3, category_name: 'Identity & Access Management' } as const;
const CLASS_UID = 3_004;

const CREATE = { activity_id: 1, activity_name: 'Create' } as const;
const UPDATE = { activity_id: 3, activity_name: 'Update' } as const;

/** What changed the entity. Intents, decisions and looks change nothing by themselves: they are told as `Other`. */
const ACTIVITIES: Readonly<Partial<Record<LedgerEventType, typeof CREATE | typeof UPDATE>>> = {
  'service.registered': CREATE,
  'service.changed': UPDATE,
  'release.shift.done': UPDATE,
  'release.promotion.done': UPDATE,
  'release.restore.done': UPDATE,
  'change.code': UPDATE,
  'change.infrastructure': UPDATE,
  'change.target': UPDATE,
  'change.sluice': UPDATE,
};

const SEVERITIES = {
  low: { severity_id: 2, severity: 'Low' },
  medium: { severity_id: 3, severity: 'Medium' },
  high: { severity_id: 4, severity: 'High' },
} as const satisfies Record<LedgerRecord['compliance']['riskLevel'], object>;

/** OCSF knows users, administrators and the system; a pipeline is something else. */
const USER_TYPES = {
  user: { type_id: 1, type: 'User' },
  system: { type_id: 3, type: 'System' },
  pipeline: { type_id: 99, type: 'Pipeline' },
} as const satisfies Record<LedgerRecord['actor']['kind'], object>;

/** A record as an OCSF event; `raw_data` is the record itself, so that its hash can still be checked. */
export const ocsfEvent = (record: LedgerRecord) => {
  const { event, change, actor, compliance, data } = record;
  const activity = ACTIVITIES[event.type] ?? { activity_id: 99, activity_name: event.type };
  const entity = change.service ?? change.repository ?? 'sluice';
  return {
    ...CLASS,
    class_uid: CLASS_UID,
    class_name: 'Entity Management',
    ...activity,
    type_uid: 100 * CLASS_UID + activity.activity_id,
    type_name: `Entity Management: ${activity.activity_name}`,
    time: Date.parse(event.timestamp),
    ...SEVERITIES[compliance.riskLevel],
    status_id: 99,
    status: change.status,
    message: `${event.type}: ${entity}${change.environment === undefined ? '' : ` in ${change.environment}`}, ${change.status}, by ${actor.login}`,
    ...(typeof data.reason === 'string' && { comment: data.reason }),
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Sluice', vendor_name: 'Sluice' },
      uid: record.id,
      sequence: record.seq,
      event_code: event.type,
      log_name: 'ledger',
      log_version: record.version,
      original_time: event.timestamp,
      labels: [...compliance.controls],
      ...(typeof data.releaseId === 'string' && { correlation_uid: data.releaseId }),
    },
    actor: { app_name: actor.via, user: { name: actor.login, ...USER_TYPES[actor.kind] } },
    entity: { name: entity, type: change.type, type_id: 99, data: change },
    unmapped: { authenticated: actor.authenticated, standards: [...compliance.standards], data },
    raw_data: JSON.stringify(record),
  };
};
