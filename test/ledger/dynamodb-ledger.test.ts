import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ledgerHealth } from '#ledger/adapters/ledger-health.ts';
import { verifyRecords } from '#ledger/verify-chain.ts';
import { LedgerIntegrityError, TransientError } from '#platform/errors.ts';
import { seededRandom } from '../../bench/judge/random.ts';
import { VirtualTime } from '../fakes/virtual-time.ts';
import { aBatchId, aDraft } from './drafts.ts';
import { ledgerContract } from './ledger-contract.ts';
import { modelledLedger, TABLES } from './modelled-ledger.ts';

ledgerContract('the DynamoDB ledger', () => modelledLedger());

const timeout = () => Object.assign(new Error('no answer'), { name: 'TimeoutError' });

const exportOf = async ({ reader }: ReturnType<typeof modelledLedger>): Promise<string[]> => {
  const lines: string[] = [];
  for (let at: number | undefined = 0; at !== undefined; ) {
    const page = await reader.from(at, 7);
    lines.push(...page.records.map((record) => JSON.stringify(record)));
    at = page.next;
  }
  return lines;
};

describe('appending', () => {
  it('finds out by itself that a transaction whose answer got lost was committed', async () => {
    let lost = false;
    const ledger = modelledLedger({
      interfere: async (act) => {
        const answer = act();
        if (lost || ledger.calls.commandCalls(TransactWriteCommand).length === 0) return answer;
        lost = true;
        throw timeout();
      },
    });
    const receipts = await ledger.writer.append(aBatchId(), [aDraft({ n: 1 })]);
    expect(ledger.model.items).toHaveLength(1);
    expect(receipts).toMatchObject([{ seq: 0, recordHash: ledger.model.items[0]?.recordHash }]);
  });

  it('gives up in time, so that its caller learns that the batch may be sent again', async () => {
    let clock = 0;
    const ledger = modelledLedger({
      now: () => new Date(clock),
      sleep: async (milliseconds) => {
        clock += milliseconds;
      },
    });
    ledger.calls.on(TransactWriteCommand).rejects(timeout());
    await expect(ledger.writer.append(aBatchId(), [aDraft()])).rejects.toThrow(TransientError);
    expect(clock).toBeGreaterThan(5_000);
    expect(clock).toBeLessThanOrEqual(8_000);
  });

  it('reads consistently before each attempt', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft()]);
    const reads = ledger.calls.commandCalls(BatchGetCommand);
    expect(reads.length).toBeGreaterThan(0);
    for (const { args } of reads) expect(args[0].input.RequestItems?.heads?.ConsistentRead).toBe(true);
  });

  it('reads the head alone when only that was in the way, and its batch too when that may be there', async () => {
    const ledger = modelledLedger();
    const overtaken = new TransactionCanceledException({
      message: 'cancelled',
      $metadata: {},
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }, { Code: 'None' }],
    });
    ledger.calls
      .on(TransactWriteCommand)
      .rejectsOnce(overtaken)
      .rejectsOnce(timeout())
      .callsFake((input) => ledger.model.transactWrite(input));
    const id = aBatchId();
    await ledger.writer.append(id, [aDraft()]);
    const asked = ledger.calls
      .commandCalls(BatchGetCommand)
      .map(({ args }) => args[0].input.RequestItems?.heads?.Keys?.map(({ pk }) => pk));
    // The model gives half of what is asked for, so each question for two is followed by one for the other half.
    const both = [['head', `batch#${id}`], [`batch#${id}`]];
    expect(asked).toEqual([...both, ['head'], ...both]);
  });

  it('does not take silence about a key for its absence', async () => {
    const ledger = modelledLedger();
    ledger.calls.on(BatchGetCommand).callsFake(({ RequestItems }) => ({ UnprocessedKeys: RequestItems }));
    await expect(ledger.writer.append(aBatchId(), [aDraft()])).rejects.toThrow(TransientError);
    expect(ledger.calls.commandCalls(TransactWriteCommand)).toEqual([]);
  });

  it('takes fifty at once on a table that does one thing after the other, each within its time', async () => {
    const crowd = new VirtualTime();
    let free = 0;
    const ledger = modelledLedger({
      now: () => new Date(crowd.now),
      random: seededRandom(7).uniform,
      sleep: (milliseconds) => crowd.sleep(milliseconds),
      interfere: async (act) => {
        free = Math.max(free, crowd.now) + 12;
        await crowd.sleep(free - crowd.now);
        return act();
      },
    });
    const appended = Array.from({ length: 50 }, () => ledger.writer.append(aBatchId(), [aDraft()]));
    await crowd.run(Promise.all(appended));
    expect(ledger.model.items).toHaveLength(50);
    // Most get through with their second or third attempt, so that the crowd doesn't feed on itself.
    expect(ledger.calls.commandCalls(TransactWriteCommand).length).toBeLessThan(200);
    expect(crowd.now).toBeLessThan(8_000);
  });

  it('halts when a number beyond the head is taken: one of the tables is not what it was', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft()]);
    ledger.model.tables.heads?.clear();
    await expect(ledger.writer.append(aBatchId(), [aDraft()])).rejects.toThrow(LedgerIntegrityError);
    expect(ledger.model.items).toHaveLength(1);
  });

  it('links to no head but the present one, even where the number would be free', async () => {
    const moved = { pk: 'head', size: 1, hash: 'a'.repeat(64) };
    const ledger = modelledLedger({
      interfere: async (act) => {
        if (ledger.calls.commandCalls(TransactWriteCommand).length === 1)
          ledger.model.tables.heads?.set('["head"]', { ...moved });
        return act();
      },
    });
    ledger.model.tables.heads?.set('["head"]', { pk: 'head', size: 1, hash: 'b'.repeat(64) });
    await ledger.writer.append(aBatchId(), [aDraft()]);
    expect((await ledger.reader.from(1, 1)).records).toMatchObject([{ seq: 1, prevHash: moved.hash }]);
  });

  it('does not retry what no retry can mend', async () => {
    const ledger = modelledLedger();
    const refusal = new TransactionCanceledException({
      message: 'cancelled',
      $metadata: {},
      CancellationReasons: [{ Code: 'ValidationError' }, { Code: 'None' }, { Code: 'None' }],
    });
    ledger.calls.on(TransactWriteCommand).rejects(refusal);
    await expect(ledger.writer.append(aBatchId(), [aDraft()])).rejects.toBe(refusal);
    expect(ledger.calls.commandCalls(TransactWriteCommand)).toHaveLength(1);
  });

  it('marks late records with the time they were appended, and knows a batch that came in time', async () => {
    const ledger = modelledLedger();
    const inTime = aBatchId();
    const first = await ledger.writer.append(inTime, [aDraft({ n: 1 })]);
    expect(await ledger.writer.appendLate(inTime, [aDraft({ n: 1 })])).toEqual(first);
    await ledger.writer.appendLate(aBatchId(), [aDraft({ n: 2 })]);
    const { records } = await ledger.reader.from(0, 10);
    expect(records.map(({ data }) => data)).toEqual([
      { n: 1 },
      { n: 2, late: true, appendedAt: '2026-01-05T10:00:00.000Z' },
    ]);
  });

  it('keeps the chain gapless and each batch single, whoever meets whom and whichever calls are lost', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.constantFrom('works', 'works', 'lost-before', 'lost-after'), { maxLength: 60 }),
        async (scheduler, sizes, fates) => {
          const left = [...fates];
          const ledger = modelledLedger({
            interfere: async (act) => {
              await scheduler.schedule(Promise.resolve());
              const fate = left.pop();
              if (fate === 'lost-before') throw timeout();
              const answer = act();
              if (fate === 'lost-after') throw timeout();
              return answer;
            },
          });
          const persist = async (batchId: string, size: number): Promise<unknown> => {
            const drafts = Array.from({ length: size }, (_, n) => aDraft({ batchId, n }));
            for (;;) {
              try {
                return await ledger.writer.append(batchId, drafts);
              } catch (error) {
                if (!(error instanceof TransientError)) throw error;
              }
            }
          };
          const batches = sizes.map((size) => ({ id: aBatchId(), size }));
          // Each batch is sent by two at once, as by a step and its own retry.
          const sent = [...batches, ...batches].map(({ id, size }) => persist(id, size));
          const results = await scheduler.waitFor(Promise.all(sent));
          for (const [index] of batches.entries())
            expect(results[index]).toEqual(results[index + batches.length]);
          left.length = 0;
          const total = sizes.reduce((sum, size) => sum + size, 0);
          expect(
            await scheduler.waitFor(exportOf(ledger).then((lines) => verifyRecords(lines))),
          ).toMatchObject({
            ok: true,
            records: total,
          });
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('reading', () => {
  it('goes on after a hole, so that removing records does not hide those that follow', async () => {
    const ledger = modelledLedger();
    for (let n = 0; n < 6; n += 1)
      await ledger.writer.append(
        aBatchId(),
        Array.from({ length: 98 }, () => aDraft()),
      );
    for (const key of ledger.model.tables.ledger?.keys() ?? [])
      if (key.startsWith('[1,')) ledger.model.tables.ledger?.delete(key);
    const lines = await exportOf(ledger);
    expect(lines).toHaveLength(6 * 98 - 256);
    expect(await verifyRecords(lines)).toMatchObject({ ok: false, fault: 'removed', seq: 256 });
  });

  it('ends a page before it is larger than a function may answer with, and goes on from there', async () => {
    const ledger = modelledLedger();
    const large = Array.from({ length: 40 }, (_, n) => aDraft({ n, evidence: 'x'.repeat(60_000) }));
    await ledger.writer.append(aBatchId(), large);
    const page = await ledger.reader.from(0, 40);
    expect(page.records.length).toBeLessThan(40);
    expect(page.next).toBe(page.records.length);
    expect(JSON.stringify(JSON.stringify(page.records)).length).toBeLessThan(6_000_000);
    expect(await exportOf(ledger)).toHaveLength(40);
  });

  it('shows a tampered record as it is and halts at what is no record', async () => {
    const ledger = modelledLedger();
    await ledger.writer.append(aBatchId(), [aDraft({ verdict: 'rollback' })]);
    const [item] = ledger.model.tables.ledger?.values() ?? [];
    if (item === undefined) throw new Error('nothing was appended');
    item.canonical = String(item.canonical).replace('rollback', 'promote');
    expect((await ledger.reader.from(0, 1)).records[0]?.data).toEqual({ verdict: 'promote' });
    expect(await verifyRecords(await exportOf(ledger))).toMatchObject({ ok: false, fault: 'edited', seq: 0 });
    item.canonical = '{}';
    await expect(ledger.reader.from(0, 1)).rejects.toThrow(LedgerIntegrityError);
  });
});

describe("the ledger's health", () => {
  it('is ok empty and filled, degraded when the tables disagree, down when they do not answer', async () => {
    const ledger = modelledLedger();
    expect(await ledgerHealth(ledger.client, TABLES)).toMatchObject({ status: 'ok', records: 0 });
    await ledger.writer.append(aBatchId(), [aDraft(), aDraft()]);
    expect(await ledgerHealth(ledger.client, TABLES)).toMatchObject({ status: 'ok', records: 2 });
    ledger.model.tables.ledger?.clear();
    expect(await ledgerHealth(ledger.client, TABLES)).toMatchObject({ status: 'degraded', records: 2 });
    ledger.calls.on(GetCommand).rejects(timeout());
    expect(await ledgerHealth(ledger.client, TABLES)).toMatchObject({ status: 'down' });
  });
});
