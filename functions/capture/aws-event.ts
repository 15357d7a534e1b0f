import * as z from 'zod';
import {
  type CloudTrailCall,
  callerOf,
  callName,
  cloudTrailCallSchema,
  isOneOf,
  namesIn,
  partsOf,
} from '#capture/aws-call.ts';
import { touchedTargets } from '#capture/touched-targets.ts';
import { PEOPLES_RECORDS_MAX } from '#ledger/batch.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { shorten } from '#platform/text.ts';
import type { RegisteredService } from '#policy/service-definition.ts';

const eventSchema = z.object({
  id: z.string().regex(/^[0-9a-f-]{36}$/i),
  source: z.string().startsWith('aws.'),
  'detail-type': z.string(),
  account: z.string(),
  region: z.string(),
  time: z.iso.datetime(),
  detail: z.unknown(),
});
type AwsEvent = z.output<typeof eventSchema>;

const pipelineSchema = z.object({
  pipeline: z.string().min(1),
  'execution-id': z.string(),
  state: z.string().min(1),
  version: z.union([z.number(), z.string()]).optional(),
});

/** What is ours in this account. */
export interface OwnResources {
  /** What the names of all that is ours begin with. */
  readonly prefix: string;
  /** What is ours and has a name that AWS made. */
  readonly ids: readonly string[];
  /** The roles of our functions and workflows: what they call is told of by the releases themselves. */
  readonly roles: readonly string[];
}

export interface AwsWorld {
  readonly own: OwnResources;
  /** Asked only for calls that somebody else made. */
  readonly services: () => Promise<readonly RegisteredService[]>;
}

/** One event's records, under an id that is the same however often the event comes. */
export interface Captured {
  readonly batchId: string;
  readonly records: readonly RecordDraft[];
}

/**
 * What the ledger takes at once: a function may be the target of more environments than a batch has room for. The first
 * keeps the id, so that an event which fits is one batch, as ever.
 */
export const batchesOf = ({ batchId, records }: Captured): readonly Captured[] =>
  Array.from({ length: Math.ceil(records.length / PEOPLES_RECORDS_MAX) }, (_, n) => ({
    batchId: n === 0 ? batchId : `${batchId}/${n}`,
    records: records.slice(n * PEOPLES_RECORDS_MAX, (n + 1) * PEOPLES_RECORDS_MAX),
  }));

const TEXT_MAX = 250;
const text = (value: string): string => shorten(value, TEXT_MAX);

/** RFC 3339 in UTC with milliseconds, as records have it. */
const instant = (time: string): string => new Date(time).toISOString();

const capturePipeline = (event: AwsEvent): Captured => {
  const detail = parseOrRefuse(pipelineSchema, event.detail, 'the event of CodePipeline');
  const name = text(detail.pipeline);
  return {
    batchId: `aws/${event.id}`,
    records: [
      {
        event: { type: 'pipeline.execution', timestamp: instant(event.time) },
        change: { status: shorten(detail.state.toLowerCase(), 60) },
        actor: {
          login: shorten(`codepipeline/${detail.pipeline}`, 200),
          kind: 'pipeline',
          authenticated: true,
          via: 'event',
        },
        data: {
          eventId: event.id,
          pipeline: name,
          executionId: text(detail['execution-id']),
          state: text(detail.state),
        },
      },
    ],
  };
};

/** Verbs of AWS's services that change something; CloudTrail takes signing in, and asking, for writes too. */
const VERBS = [
  ...[
    'Accept',
    'Activate',
    'Add',
    'Apply',
    'Associate',
    'Attach',
    'Cancel',
    'Change',
    'Configure',
    'Confirm',
  ],
  ...['Connect', 'Continue', 'Copy', 'Create', 'Deactivate', 'Deauthorize', 'Delete', 'Deregister', 'Detach'],
  ...['Disable', 'Disassociate', 'Disconnect', 'Dissociate', 'Enable', 'Flush', 'Forget', 'Import', 'Label'],
  ...['Link', 'Modify', 'Publish', 'Purge', 'Put', 'Redrive', 'Register', 'Reimport', 'Reject', 'Remove'],
  ...['Replace', 'Replicate', 'Reset', 'Restore', 'Resync', 'Retire', 'Revoke', 'Rotate', 'Schedule', 'Set'],
  ...[
    'Start',
    'Stop',
    'Subscribe',
    'Tag',
    'Terminate',
    'Unlabel',
    'Unsubscribe',
    'Untag',
    'Update',
    'Upload',
  ],
  'UserGlobalSignOut',
];
const CHANGES = new RegExp(`^(Admin)?(${VERBS.join('|')})(?![a-z])`);

/** What only asks, though its verb changes something elsewhere. */
const ASKS = ['StartLiveTail', 'StartQuery', 'StopQuery'];

const isChange = (call: CloudTrailCall): boolean =>
  CHANGES.test(callName(call)) && !ASKS.includes(callName(call));

/** What of a request names something of ours; a policy that does so is such a text, too. */
const ownNames = (call: CloudTrailCall, { prefix, ids, roles }: OwnResources): readonly string[] =>
  namesIn(call).filter((name) =>
    partsOf(name).some((part) => part.startsWith(`${prefix}-`) || ids.includes(part) || roles.includes(part)),
  );

/** A request may hold anything, and only names of resources go into a record. */
const isName = (text: string): boolean => /^[\w.:/$@*+=-]{1,250}$/.test(text);

const captureCall = async (event: AwsEvent, { own, services }: AwsWorld): Promise<Captured | undefined> => {
  const call = parseOrRefuse(cloudTrailCallSchema, event.detail, 'the event of CloudTrail');
  if (!isChange(call) || isOneOf(call, event.account, own.roles)) return undefined;
  const { login, kind } = callerOf(call);
  const record = (
    type: RecordDraft['event']['type'],
    change: RecordDraft['change'],
    data: Readonly<Record<string, unknown>>,
  ): RecordDraft => ({
    event: { type, timestamp: instant(call.eventTime) },
    change: { ...change, status: call.errorCode ? 'refused' : 'changed' },
    actor: { login: shorten(login, 200), kind, authenticated: true, via: 'event' },
    data: {
      eventId: call.eventID,
      call: text(callName(call)),
      service: text(call.eventSource),
      ...data,
      ...(call.errorCode && { errorCode: text(call.errorCode) }),
    },
  });
  const touched = touchedTargets(call, event.region, await services());
  const names = ownNames(call, own);
  const resources = [...new Set(names.filter(isName))].slice(0, 10);
  const records = [
    ...touched.map(({ target, ...change }) => record('change.target', change, { target })),
    ...(names.length > 0 ? [record('change.sluice', {}, { resources })] : []),
  ];
  return records.length === 0 ? undefined : { batchId: `aws/${call.eventID.toLowerCase()}`, records };
};

/**
 * The records of an event that AWS itself put on the account's bus; `undefined` when there is nothing to record: a call
 * of ours, on nobody's target, or of no kind that is captured.
 * @throws InvalidRequestError when an event that is captured is not as AWS documents it.
 */
export const recordsOfAwsEvent = async (
  received: unknown,
  world: AwsWorld,
): Promise<Captured | undefined> => {
  const event = parseOrRefuse(eventSchema, received, 'the event');
  switch (event['detail-type']) {
    case 'CodePipeline Pipeline Execution State Change':
      return capturePipeline(event);
    case 'AWS API Call via CloudTrail':
      return captureCall(event, world);
    default:
      return undefined;
  }
};
