import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TILE_WIDTH } from '#ledger/merkle.ts';
import { inclusionProof } from '#ledger/proofs.ts';
import { receiptText, verifyReceipt } from '#ledger/receipt.ts';
import { recordsIn, tilePath } from '#ledger/tiles.ts';
import { stageConfig } from '../infra/config.ts';
import { startEmulator } from '../local/emulator.ts';
import { ledgerMonth } from './cost/ledger-month.ts';
import { billOf, PRICES, totalOf } from './cost/prices.ts';
import { measureAppends } from './ledger/appends.ts';
import { NotToBeHad, startDynamoDbLocal } from './ledger/dynamodb-local.ts';
import { aKey, linked, type WrittenExport, writeExport } from './ledger/export-of.ts';
import { runVerify } from './ledger/verify-process.ts';

const seconds = (since: number): number => (performance.now() - since) / 1_000;
const count = (n: number): string => Math.round(n).toLocaleString('en-US');
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** What a writer computes besides its transactions. */
const tellLinking = (size: number): void => {
  const since = performance.now();
  for (const _ of linked(size));
  console.log(`canonicalise, hash, link: ${count(size / seconds(since))} records a second`);
};

const tellVerification = async (directory: string, size: number, vkey: string): Promise<void> => {
  const run = await runVerify(directory, vkey);
  console.log(
    `audit verify of ${count(size)} records: ${count(size / run.seconds)} a second, ${count(size / run.coreSeconds)} by the processor's clock; at most ${megabytes(run.peakBytes)}`,
  );
};

/** How a receipt of one record is made from the tiles, and checked. */
const tellProof = async (
  directory: string,
  size: number,
  { note }: WrittenExport,
  { key }: ReturnType<typeof aKey>,
): Promise<void> => {
  const index = Math.floor(size / 3);
  const read = (name: string) => readFileSync(path.join(directory, name));
  const since = performance.now();
  const proof = await inclusionProof(async (tile) => read(tilePath(tile)), index, size);
  const receipt = receiptText({ index, proof, checkpoint: note });
  const made = seconds(since);
  const bundle = { level: 'entries', index: Math.floor(index / TILE_WIDTH), width: TILE_WIDTH } as const;
  const record = recordsIn(read(tilePath(bundle)))?.[index % TILE_WIDTH] ?? '';
  const checked = performance.now();
  const verdict = verifyReceipt(receipt, record, key);
  if (!verdict.ok) throw new Error(verdict.text);
  console.log(
    `receipt: ${receipt.length} bytes with ${proof.length} hashes, made in ${(1_000 * made).toFixed(1)} ms, checked in ${(1_000 * seconds(checked)).toFixed(1)} ms`,
  );
};

/** On an export as a whole, and on one of a tenth of it: memory must not grow with it. */
const tellExports = async (size: number): Promise<void> => {
  const directory = mkdtempSync(path.join(tmpdir(), 'sluice-bench-'));
  const keys = aKey();
  try {
    for (const [name, records] of [
      ['tenth', Math.ceil(size / 10)],
      ['whole', size],
    ] as const) {
      const place = path.join(directory, name);
      const written = await writeExport(place, records, keys);
      if (name === 'whole')
        console.log(
          `an export of ${count(size)} records: ${megabytes(written.bytes)} of lines, ${count(written.checkpoints)} checkpoints`,
        );
      await tellVerification(place, records, keys.vkey);
      if (name === 'whole') await tellProof(place, size, written, keys);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const tellAppendsOn = async (where: string, endpoint: string): Promise<void> => {
  for (const run of await measureAppends(endpoint))
    console.log(
      `${where}, ${run.writers === 1 ? 'one writer' : `${run.writers} writers`}, batches of ${run.batch}: ${count(run.batchesPerSecond)} batches and ${count(run.recordsPerSecond)} records a second; ${run.lostPerBatch.toFixed(1)} attempts lost a batch, the slowest took ${count(run.slowestMilliseconds)} ms`,
    );
};

const tellAppends = async (): Promise<void> => {
  const emulator = await startEmulator({ port: 0, log: () => {} });
  try {
    await tellAppendsOn('on the emulator', emulator.endpoint);
  } finally {
    await emulator.stop();
  }
  try {
    const dynamoDb = await startDynamoDbLocal();
    await tellAppendsOn('on DynamoDB Local', dynamoDb.endpoint).finally(dynamoDb.stop);
  } catch (error) {
    if (!(error instanceof NotToBeHad)) throw error;
    console.log(`on DynamoDB Local: not measured; ${error.message}`);
  }
};

/**
 * How fast the ledger links, appends, verifies and proves, and in how much memory:
 * `npm run bench -- ledger [records]`, a million when left out, for which it needs 1.5 GB of the directory for temporary files.
 */
export async function run([records = '1000000']: readonly string[] = []): Promise<void> {
  const size = Number(records);
  tellLinking(Math.min(size, 100_000));
  await tellExports(size);
  await tellAppends();
  tellCosts();
}

/** By the month, and signed as a team's stage signs. */
const RECORDS_A_MONTH = 1_000_000;

const tellCosts = (): void => {
  const usage = ledgerMonth(RECORDS_A_MONTH, stageConfig('team').sealEveryMinutes);
  console.log(`\n${count(RECORDS_A_MONTH)} records a month: $${totalOf(usage).toFixed(2)}`);
  for (const { what, amount, dollars } of billOf(usage))
    console.log(`  $${dollars.toFixed(2).padStart(6)}  ${count(amount).padStart(11)} ${PRICES[what].unit}`);
};
