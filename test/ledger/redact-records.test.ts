import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { dynamoDbHoldReader, dynamoDbHolds } from '#ledger/adapters/dynamodb-holds.ts';
import { forgetPersonal } from '#ledger/adapters/dynamodb-redaction.ts';
import { canonicalJson } from '#ledger/canonical.ts';
import { putHold } from '#ledger/change-hold.ts';
import { indexRecords } from '#ledger/index-records.ts';
import { type RedactionPorts, redactRecords } from '#ledger/redact-records.ts';
import { searchRecords } from '#ledger/search-records.ts';
import { verifyRecords } from '#ledger/verify-chain.ts';
import { ConflictError, InvalidRequestError, NotFoundError, TransientError } from '#platform/errors.ts';
import { aBatchId, aDraft } from './drafts.ts';
import { modelledLedger, TABLES } from './modelled-ledger.ts';

const ADA = { login: 'ada', kind: 'user', authenticated: true, via: 'api' } as const;
const OTTO = { ...ADA, login: 'otto' };
const AT = '2026-12-01T10:00:00.000Z';

/** Records 0 and 1 by Ada, 2 by nobody, all of them indexed. */
const filled = async () => {
  const ledger = modelledLedger();
  const { writer, reader, index, client } = ledger;
  await writer.append(aBatchId(), [
    { ...aDraft({ reason: 'because of Jane' }, 'release.paused'), actor: ADA },
    { ...aDraft({ reason: 'again' }, 'release.resumed'), actor: ADA },
    aDraft({ n: 2 }),
  ]);
  const indexed = () =>
    indexRecords({ ledger: reader, index, onUnreadable: () => {}, isTimeLeft: () => true });
  await indexed();
  const ports: RedactionPorts = {
    reader,
    ledger: writer,
    index,
    holds: dynamoDbHoldReader(client, TABLES.holds),
    forget: forgetPersonal(client, TABLES),
  };
  const redact = (records: readonly number[], over: Partial<RedactionPorts> = {}) =>
    redactRecords({ ...ports, ...over }, { records, reason: 'erasure 17', by: OTTO, at: AT, key: 'k' });
  const by = async (actor: string) => {
    const found = await searchRecords(
      { readPlaces: index.readPlaces, byNumbers: reader.byNumbers },
      { actor },
      { position: undefined, limit: 10 },
    );
    return found.records.map(({ seq }) => seq);
  };
  const everything = async () => (await reader.from(0, 20)).records;
  return { ...ledger, redact, by, everything, indexed };
};

describe('redacting', () => {
  it('deletes values and salts, is told by records, and leaves every hash as it was', async () => {
    const { redact, by, everything, model, reader } = await filled();
    const before = await everything();
    expect(await by('ada')).toEqual([0, 1]);
    expect(await redact([1, 0, 2, 1])).toEqual({ redacted: [0, 1], untouched: [2] });
    const after = await everything();
    expect(after.slice(0, 3).map(({ recordHash }) => recordHash)).toEqual(
      before.map(({ recordHash }) => recordHash),
    );
    expect(after[0]).toMatchObject({
      actor: { login: expect.stringMatching(/^salted:/) },
      data: { reason: expect.stringMatching(/^salted:/) },
    });
    expect(after[0]?.salts).toBeUndefined();
    expect(after.slice(3)).toMatchObject([
      { event: { type: 'ledger.redaction.intended' }, actor: OTTO, data: { records: [0, 1, 2] } },
      { event: { type: 'ledger.redacted' }, actor: OTTO, data: { records: [0, 1, 2], reason: 'erasure 17' } },
    ]);
    expect(await by('ada')).toEqual([]);
    const everywhere = JSON.stringify(Object.values(model.tables).map((table) => [...table]));
    for (const told of ['ada', 'because of Jane', 'again']) expect(everywhere).not.toContain(`"${told}"`);
    const lines = after.map((record) => JSON.stringify(record));
    expect(await verifyRecords(lines, await reader.head())).toMatchObject({ ok: true, records: 5 });
  });

  it('is finished by the same request when it was cut off anywhere, and recorded once', async () => {
    for (const cut of ['unindexed', 'forgotten'] as const) {
      const { redact, by, everything, index, client } = await filled();
      const crash = async () => Promise.reject(new Error('crashed'));
      const forget: RedactionPorts['forget'] = async (...args) => {
        await forgetPersonal(client, TABLES)(...args);
        return crash();
      };
      const over = cut === 'unindexed' ? { index: { ...index, remove: crash } } : { forget };
      await expect(redact([0, 1], over)).rejects.toThrow('crashed');
      expect(await redact([0, 1])).toEqual({ redacted: [0, 1], untouched: [] });
      expect(await by('ada')).toEqual([]);
      expect((await everything()).map(({ event }) => event.type).slice(3)).toEqual([
        'ledger.redaction.intended',
        'ledger.redacted',
      ]);
    }
  });

  it('does not touch what a legal hold is on, however it covers it', async () => {
    const { redact, everything, client, writer } = await filled();
    const holds = dynamoDbHolds(client, TABLES.holds);
    const hold = {
      holdId: `hold_${'a'.repeat(26)}`,
      filter: { actor: 'ada' },
      reason: 'r',
      by: OTTO,
      at: AT,
    };
    await putHold({ holds, ledger: writer }, hold);
    await expect(redact([0, 2])).rejects.toThrow(ConflictError);
    await expect(redact([0, 2])).rejects.toThrow(`record 0 is under legal hold ${hold.holdId}`);
    expect((await everything())[0]?.actor.login).toBe('ada');
    expect(await redact([2])).toEqual({ redacted: [], untouched: [2] });
  });

  it('deletes nothing when a hold is put at the same moment', async () => {
    const { redact, everything, client, index } = await filled();
    const holds = dynamoDbHolds(client, TABLES.holds);
    const hold = {
      holdId: `hold_${'a'.repeat(26)}`,
      filter: { service: 'other' },
      reason: 'r',
      by: OTTO,
      at: AT,
    };
    const remove = async () => void (await holds.put(hold, 0));
    await expect(redact([0], { index: { ...index, remove } })).rejects.toThrow(TransientError);
    expect((await everything())[0]?.actor.login).toBe('ada');
    expect(await redact([0])).toMatchObject({ redacted: [0] });
  });

  it('waits for the index, which would find a person by name again', async () => {
    const { redact, writer, indexed, by } = await filled();
    await writer.append(aBatchId(), [{ ...aDraft({}, 'release.paused'), actor: ADA }]);
    await expect(redact([3])).rejects.toThrow(/newer than the index/);
    await indexed();
    expect(await redact([3])).toMatchObject({ redacted: [3] });
    await indexed();
    expect(await by('ada')).toEqual([0, 1]);
  });

  it('says when there is no such record', async () => {
    const { redact } = await filled();
    await expect(redact([3])).rejects.toThrow(NotFoundError);
  });
});

describe('a batch of what people did', () => {
  const by = (login: string, reason: string) => [
    { ...aDraft({ reason }, 'release.paused'), actor: { ...ADA, login } },
  ];

  it('is recognised when it comes again, and refused when somebody else did it or said otherwise', async () => {
    const { writer } = modelledLedger();
    const first = await writer.append('b', by('ada', 'why'));
    expect(await writer.append('b', by('ada', 'why'))).toEqual(first);
    await expect(writer.append('b', by('eve', 'why'))).rejects.toThrow(ConflictError);
    await expect(writer.append('b', by('ada', 'because'))).rejects.toThrow(ConflictError);
  });

  it('is recognised though it is from before its people were kept out of its digest', async () => {
    const { writer, model } = modelledLedger();
    const drafts = by('ada', 'why');
    const first = await writer.append('b', drafts);
    const timeless = drafts.map((draft) => ({ ...draft, event: { type: draft.event.type } }));
    const digest = createHash('sha256').update(canonicalJson(timeless)).digest('hex');
    const [key = '', batch] =
      [...(model.tables.heads ?? [])].find(([, item]) => item.pk === 'batch#b') ?? expect.fail('no batch');
    model.tables.heads?.set(key, { ...batch, digest });
    model.tables.personal?.clear();
    expect(await writer.append('b', drafts)).toEqual(first);
    await expect(writer.append('b', by('eve', 'why'))).rejects.toThrow(ConflictError);
  });

  it('leaves nothing that its people could be tried out with once it is redacted', async () => {
    const { writer, model, client } = modelledLedger();
    const first = await writer.append('b', by('ada', 'why'));
    const digestsOf = () => [...(model.tables.heads?.values() ?? [])].map(({ digest }) => digest);
    await writer.append('c', by('eve', 'because'));
    const [one, other] = digestsOf().filter((digest) => digest !== undefined);
    expect(one).toBe(other);
    await forgetPersonal(client, TABLES)([0], 0);
    expect(await writer.append('b', by('ada', 'why'))).toEqual(first);
  });

  it('is 49 records at most, because each of them is two items', async () => {
    const { writer, model } = modelledLedger();
    const drafts = Array.from({ length: 50 }, (_, n) => ({ ...aDraft({ n }), actor: ADA }));
    await expect(writer.append(aBatchId(), drafts)).rejects.toThrow(InvalidRequestError);
    await writer.append(aBatchId(), drafts.slice(1));
    expect(model.items).toHaveLength(49);
    expect(model.tables.personal?.size).toBe(49);
  });
});
