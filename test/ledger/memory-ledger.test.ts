import { expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { aBatchId, aDraft } from './drafts.ts';
import { ledgerContract } from './ledger-contract.ts';

ledgerContract('the fake', () => {
  const ledger = memoryLedger();
  return { writer: ledger, reader: ledger };
});

it('says so while it is down, and takes what was spooled once it is back, marked late', async () => {
  const ledger = memoryLedger(() => new Date('2026-01-05T11:00:00.000Z'));
  const batchId = aBatchId();
  ledger.down = true;
  await expect(ledger.append(batchId, [aDraft({ n: 1 })])).rejects.toThrow(TransientError);
  await ledger.spool(batchId, [aDraft({ n: 1 })]);
  await ledger.drain();
  expect(ledger.records.map(({ data }) => data)).toEqual([
    { n: 1, late: true, appendedAt: '2026-01-05T11:00:00.000Z' },
  ]);
});
