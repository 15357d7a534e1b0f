import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalRecord } from '#ledger/canonical.ts';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { readExportLine } from '#ledger/export-line.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { disclose, withheldIn } from '#ledger/personal.ts';
import { ledgerRecordSchema, type RecordDraft } from '#ledger/record.ts';
import { verifyRecords } from '#ledger/verify-chain.ts';
import { WithheldWatch } from '../../cli/withheld.ts';
import { aDraft } from './drafts.ts';

const ADA = { login: 'ada@example.com', kind: 'user', authenticated: true, via: 'api' } as const;
const IDS = Array.from({ length: 9 }, () => '01JGXQ00000000000000000000');

/** Salts by their turn, so that each value has another one. */
const counting = () => {
  let made = 0;
  return () => {
    made += 1;
    return String(made).padStart(22, 'A');
  };
};

const link = (...drafts: readonly RecordDraft[]) =>
  linkRecords(EMPTY_LEDGER, drafts, { ids: IDS.slice(0, drafts.length), newSalt: counting() }).records;

const aHold = (): RecordDraft => ({
  ...aDraft(
    {
      reason: 'Jane asked',
      filter: { actor: 'jane', service: 'checkout' },
      replaced: { by: { ...ADA, login: 'bob' }, reason: 'x' },
      voters: [
        { ...ADA, login: 'eve' },
        { login: 'robot', kind: 'system', authenticated: true, via: 'api' },
      ],
    },
    'ledger.hold.put',
  ),
  actor: ADA,
});

const PLACES = [
  '/actor/login',
  '/data/filter/actor',
  '/data/reason',
  '/data/replaced/by/login',
  '/data/voters/0/login',
];

describe('a record of what a person did', () => {
  const [linked = expect.fail('no record')] = link(aHold());
  const { record, canonical, disclosures } = linked;

  it('holds digests of who they are and what they typed, and is shown with both', () => {
    for (const told of ['ada@example.com', 'Jane asked', '"jane"', '"bob"', '"eve"'])
      expect(canonical).not.toContain(told);
    expect(canonical).toContain('"robot"');
    expect(Object.keys(disclosures).toSorted()).toEqual(PLACES);
    expect(record).toMatchObject({ actor: ADA, data: aHold().data });
    expect(ledgerRecordSchema.parse(record)).toEqual(record);
  });

  it('has the digest that anyone can compute with a salt', () => {
    const { salt = '', value = '' } = disclosures['/actor/login'] ?? {};
    const digest = createHash('sha256')
      .update(canonicalJson([salt, value]))
      .digest('hex');
    expect(JSON.parse(canonical).actor.login).toBe(`salted:${digest}`);
  });

  it('has one hash, shown or redacted, in whole or in part', () => {
    expect(canonicalRecord(record)).toBe(canonical);
    for (const kept of fc.sample(fc.subarray(Object.entries(disclosures)), 20)) {
      const bare = { ...JSON.parse(canonical), recordHash: record.recordHash };
      const shown = disclose(bare, Object.fromEntries(kept));
      expect(withheldIn(shown)).toHaveLength(PLACES.length - kept.length);
      expect(leafHash(canonicalRecord(shown))).toBe(record.recordHash);
      for (const line of [canonicalJson(shown), JSON.stringify(shown), JSON.stringify(shown, null, 1)])
        expect(readExportLine(line)).toMatchObject({ kind: 'sound', canonical });
    }
  });

  it('is seen to be edited when a shown value, a salt or its place is another one', () => {
    const salts = record.salts ?? {};
    const edits = [
      { ...record, actor: { ...record.actor, login: 'eve' } },
      { ...record, data: { ...record.data, reason: 'Jane begged' } },
      { ...record, salts: { ...salts, '/actor/login': 'B'.repeat(22) } },
      { ...record, salts: { '/data/reason': salts['/data/reason'] } },
      { ...record, salts: { ...salts, '/change/service': 'B'.repeat(22) } },
      { ...record, salts: { ...salts, '/data/notes': 'B'.repeat(22) } },
      { ...record, salts: 7 },
      { ...record, salts: undefined },
    ];
    for (const edit of edits)
      for (const line of [JSON.stringify(edit), canonicalJson(JSON.parse(JSON.stringify(edit)))])
        expect(readExportLine(line).kind, line).toBe('unsound');
  });

  it('is not shown with a value that somebody put beside it', () => {
    const bare = { ...JSON.parse(canonical), recordHash: record.recordHash };
    const forged = { '/actor/login': { salt: 'B'.repeat(22), value: 'eve' } };
    expect(disclose(bare, forged)).toEqual(bare);
  });
});

describe('a record of what no person did', () => {
  it('stays as it is: what Sluice says is no personal data', () => {
    const [linked] = link(aDraft({ reason: 'the breach of stage 2', actor: 'sluice' }));
    expect(linked?.disclosures).toEqual({});
    expect(linked?.record.salts).toBeUndefined();
    expect(linked?.canonical).toContain('the breach of stage 2');
  });
});

describe('an export with redacted records', () => {
  const done = { ...aDraft({ records: [0], reason: 'erasure' }, 'ledger.redacted'), actor: ADA };
  const records = link(aHold(), aHold(), done);
  const redacted = records.map(({ record, canonical }, seq) =>
    seq < 2 ? { ...JSON.parse(canonical), recordHash: record.recordHash } : record,
  );

  it('verifies, and says which records are redacted, and of which no record tells', async () => {
    const lines = redacted.map((record) => JSON.stringify(record));
    expect(await verifyRecords(lines)).toMatchObject({ ok: true, records: 3 });
    const watch = new WithheldWatch();
    for (const line of lines) watch.see(line);
    expect(watch.found).toEqual({ records: 2, unexplained: [1] });
  });

  it('has nothing to say of one that shows everything', () => {
    const watch = new WithheldWatch();
    for (const { record } of records) watch.see(JSON.stringify(record));
    expect(watch.found).toEqual({ records: 0, unexplained: [] });
  });
});
