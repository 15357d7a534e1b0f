export interface SentEvent {
  /** Text is sent as it stands. */
  readonly detail: unknown;
  readonly source?: string;
}

/** Events that can be no release, each with what the refusal must say. */
export const wrongEvents = (
  good: Readonly<Record<string, unknown>>,
): readonly (SentEvent & { readonly what: string; readonly named: string })[] => [
  { what: 'a number for a name', detail: { ...good, service: 7 }, named: 'detail.service' },
  { what: 'null for a name', detail: { ...good, environment: null }, named: 'detail.environment' },
  { what: 'a list for a version', detail: { ...good, version: ['1'] }, named: 'detail.version' },
  {
    what: 'text for a weight',
    detail: { ...good, firstStageWeightPercent: '5' },
    named: 'detail.firstStageW',
  },
  { what: 'an unknown key', detail: { ...good, weight: 5 }, named: 'detail.weight: unknown key' },
  { what: 'an empty detail', detail: {}, named: 'detail.service' },
  { what: 'text for a detail', detail: '"text"', named: 'detail: ' },
  { what: 'a list for a detail', detail: '[1]', named: 'detail: ' },
  { what: 'null for a detail', detail: 'null', named: 'detail: ' },
  { what: 'too many notes', detail: { ...good, notes: 'x'.repeat(2_001) }, named: 'detail.notes' },
  { what: 'half a character', detail: { ...good, notes: 'x\ud800' }, named: 'detail.notes' },
  { what: 'half a character in a key', detail: { ...good, 'x\ud800': 1 }, named: 'well-formed' },
  { what: 'a key that copies drop', detail: '{"__proto__":{"a":1}}', named: 'detail.__proto__' },
  { what: 'a number beyond a table', detail: { ...good, weight: 1e300 }, named: 'detail.weight' },
  {
    what: 'a bad idempotency key',
    detail: { ...good, idempotencyKey: 'a b' },
    named: 'detail.idempotencyKey',
  },
  { what: 'a name that is no name', detail: { ...good, service: 'a#b' }, named: 'detail.service' },
  { what: 'too long a source', detail: good, source: 's'.repeat(257), named: 'source' },
  { what: 'an unknown service', detail: { ...good, service: 'absent-service' }, named: 'not registered' },
  {
    what: 'an unknown environment',
    detail: { ...good, environment: 'moon' },
    named: 'environment: must be one of',
  },
  {
    what: 'an inherited environment',
    detail: { ...good, environment: 'constructor' },
    named: 'must be one of',
  },
  {
    what: 'thousands of unknown keys',
    detail: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`key-${n}`, n])),
    named: 'unknown key',
  },
];
