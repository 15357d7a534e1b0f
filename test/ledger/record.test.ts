import { describe, expect, it } from 'vitest';
import { EMPTY_LEDGER, GENESIS_HASH, linkRecords } from '#ledger/chain.ts';
import { eventTypeSchema, isTerminal } from '#ledger/event-types.ts';
import { ledgerRecordSchema, RECORD_BYTES_MAX, type RecordDraft, recordDraftSchema } from '#ledger/record.ts';
import { REQUESTED_EVENT } from '#releases/requested-event.ts';
import { COMMANDED_EVENT } from '#rollout/commanded-event.ts';
import { aDraft, aReleaseId, aSalt } from './drafts.ts';

const ID = '01JGXQ00000000000000000000';
const link = (draft: RecordDraft, lateAt?: string) => {
  const { records } = linkRecords(EMPTY_LEDGER, [draft], {
    newSalt: aSalt,
    ids: [ID],
    ...(lateAt && { late: { at: lateAt, drafts: [true] } }),
  });
  if (records[0] === undefined) throw new Error('nothing was linked');
  return records[0];
};

const faultsOf = (draft: unknown): string[] => {
  const parsed = recordDraftSchema.safeParse(draft);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'));
};

describe('what a slice hands in', () => {
  const draft = aDraft();

  it.each<[string, unknown]>([
    ['event.type', { ...draft, event: { ...draft.event, type: 'release.requested' } }],
    ['event.timestamp', { ...draft, event: { ...draft.event, timestamp: '2026-01-05T10:00:10Z' } }],
    ['event.timestamp', { ...draft, event: { ...draft.event, timestamp: '2026-01-05T11:00:10.000+01:00' } }],
    ['event.timestamp', { ...draft, event: { ...draft.event, timestamp: '2026-02-30T10:00:10.000Z' } }],
    ['change.service', { ...draft, change: { service: 'Check out' } }],
    ['change.status', { ...draft, change: { status: undefined } }],
    ['actor.kind', { ...draft, actor: { ...draft.actor, kind: 'robot' } }],
    ['compliance.controls.0', { ...draft, compliance: { controls: ['CC99'] } }],
    ['data', { ...draft, data: null }],
    ['data', { ...draft, data: [] }],
    ['data.a.b', aDraft({ a: { b: 2 ** 53 } })],
    ['data.a.0', aDraft({ a: [1e300] })],
    ['data.when', aDraft({ when: new Date(0) })],
    ['data.gone', aDraft({ gone: undefined })],
    ['data.half', aDraft({ half: '\ud800' })],
    ['data.__proto__', aDraft(JSON.parse('{"__proto__":{"a":1}}'))],
    ['data.releaseId', aDraft({ releaseId: 'checkout-42' })],
    ['', { ...draft, seq: 7 }],
    ['change', { ...draft, change: { type: 'deployment' } }],
  ])('is refused where it is wrong: %s', (path, wrong) => {
    expect(faultsOf(wrong)).toEqual([path]);
  });

  it('may hold what JSON can, up to 32 levels deep', () => {
    const nested = (depth: number): unknown => (depth === 1 ? 'end' : { in: nested(depth - 1) });
    expect(faultsOf(aDraft({ releaseId: aReleaseId(), n: 0.1, none: null, at: nested(32) }))).toEqual([]);
    expect(faultsOf(aDraft({ at: nested(33) }))).toHaveLength(1);
  });
});

describe('a record', () => {
  it('is a draft with its place, and what its type says', () => {
    const { record } = link(aDraft({ weightPercent: 10 }, 'release.look.decided'));
    expect(record).toMatchObject({
      id: ID,
      version: '1.0',
      seq: 0,
      prevHash: GENESIS_HASH,
      event: { type: 'release.look.decided', source: 'sluice' },
      change: { type: 'deployment', service: 'checkout', environment: 'staging', status: 'decided' },
      compliance: {
        controls: ['CC7.2', 'CC7.3', 'A.5.26'],
        standards: ['SOC2', 'ISO27001'],
        riskLevel: 'medium',
      },
      data: { weightPercent: 10 },
    });
    expect(ledgerRecordSchema.parse(record)).toEqual(record);
  });

  it('is of high risk in production, unless its slice knows better', () => {
    const draft = aDraft();
    const production = { ...draft, change: { ...draft.change, environment: 'production' } };
    expect(link(production).record.compliance.riskLevel).toBe('high');
    const known = { ...production, compliance: { riskLevel: 'low', controls: ['CC6.1'] } } as const;
    expect(link(known).record.compliance).toEqual({
      controls: ['CC6.1'],
      standards: ['SOC2'],
      riskLevel: 'low',
    });
  });

  it('says more exactly what its slice says more exactly', () => {
    const draft = aDraft();
    const exact = { ...draft, change: { ...draft.change, status: 'shifted-to-10' } };
    expect(link(exact).record.change.status).toBe('shifted-to-10');
  });

  it('that comes late says so, and when it came', () => {
    const appendedAt = '2026-01-05T12:00:00.000Z';
    expect(link(aDraft({ n: 1 }), appendedAt).record.data).toEqual({ n: 1, late: true, appendedAt });
  });

  it('may have a canonical form of 65,535 bytes and not one more, counted in UTF-8', () => {
    const empty = Buffer.byteLength(link(aDraft({ text: '' })).canonical);
    const room = RECORD_BYTES_MAX - empty;
    const even = room - (room % 2);
    const fits = link(aDraft({ text: 'é'.repeat(even / 2) + 'x'.repeat(room % 2) }));
    expect(Buffer.byteLength(fits.canonical)).toBe(RECORD_BYTES_MAX);
    expect(() => link(aDraft({ text: `${'é'.repeat(even / 2)}${'x'.repeat((room % 2) + 1)}` }))).toThrow(
      /S3/,
    );
  });
});

describe('the types of events', () => {
  it('never hold the name of an event that asks for something: the ledger would ask for it itself', () => {
    const told = eventTypeSchema.options.map((type) => `sluice.${type}`);
    for (const asking of [REQUESTED_EVENT, COMMANDED_EVENT]) expect(told).not.toContain(asking);
  });

  it('end a release in five ways', () => {
    expect(eventTypeSchema.options.filter(isTerminal).toSorted()).toEqual([
      'release.aborted',
      'release.completed',
      'release.promoted',
      'release.refused',
      'release.rolled-back',
    ]);
  });

  it('tell every intent to move traffic before its outcome: each has one', () => {
    const types: readonly string[] = eventTypeSchema.options;
    for (const type of types.filter((name) => /^release\..*\.intended$/.test(name)))
      expect(types).toContain(type.replace('.intended', '.done'));
  });
});
