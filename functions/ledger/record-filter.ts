import type { Control } from '#ledger/controls.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import type { LedgerRecord } from '#ledger/record.ts';

/** What records are asked for by; all that is given must hold. */
export interface RecordFilter {
  readonly service?: string | undefined;
  /** The actor's login, exactly. */
  readonly actor?: string | undefined;
  readonly control?: Control | undefined;
  readonly type?: LedgerEventType | undefined;
  /** When it happened: from this instant on. RFC 3339, UTC, milliseconds. */
  readonly from?: string | undefined;
  /** Before this instant. */
  readonly to?: string | undefined;
}

/** Every record has it: what is left to look under when only a time is given. */
const EVERYTHING = 'all';

const term = (kind: 'service' | 'actor' | 'control' | 'type', value: string): string => `${kind}#${value}`;

/** What a record is found under in the index. */
export const termsOf = ({ change, actor, compliance, event }: LedgerRecord): readonly string[] => [
  EVERYTHING,
  ...(change.service === undefined ? [] : [term('service', change.service)]),
  term('actor', actor.login),
  term('type', event.type),
  ...new Set(compliance.controls.map((control) => term('control', control))),
];

/** Under which terms a record must stand to be what is asked for; never none. */
export const termsOfFilter = ({ service, actor, control, type }: RecordFilter): readonly string[] => {
  const terms = [
    ...(service === undefined ? [] : [term('service', service)]),
    ...(actor === undefined ? [] : [term('actor', actor)]),
    ...(control === undefined ? [] : [term('control', control)]),
    ...(type === undefined ? [] : [term('type', type)]),
  ];
  return terms.length === 0 ? [EVERYTHING] : terms;
};

export const matches = (record: LedgerRecord, filter: RecordFilter): boolean => {
  const { timestamp } = record.event;
  const terms = termsOf(record);
  return (
    termsOfFilter(filter).every((wanted) => terms.includes(wanted)) &&
    (filter.from === undefined || timestamp >= filter.from) &&
    (filter.to === undefined || timestamp < filter.to)
  );
};

/** Digits enough for every number that a record can have. */
const SEQ_DIGITS = 16;

/**
 * Where a record stands under each of its terms: by the time of its event, and at one time in the order of the ledger.
 * A record that came late stands where it happened. Texts of one form, so that they sort as they read.
 */
export const placeOf = ({ seq, event }: LedgerRecord): string =>
  `${event.timestamp}#${String(seq).padStart(SEQ_DIGITS, '0')}`;

/** Whether a search may go on from here: a place, or right behind one. */
export const isPosition = (text: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#\d{16}!?$/.test(text);

export const seqOfPlace = (place: string): number => Number(place.slice(place.indexOf('#') + 1));

/** The first text behind a place. */
export const afterPlace = (place: string): string => `${place}!`;
