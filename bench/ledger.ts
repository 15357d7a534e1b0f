import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { EMPTY_LEDGER, type LedgerHead, linkRecords } from '#ledger/chain.ts';
import { checkpointText } from '#ledger/checkpoint.ts';
import { exportLineOf } from '#ledger/export-line.ts';
import { MerkleTree, TILE_WIDTH } from '#ledger/merkle.ts';
import { inclusionProof } from '#ledger/proofs.ts';
import { receiptText, verifyReceipt } from '#ledger/receipt.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { parseVkey, signedNote, vkeyOf } from '#ledger/signed-note.ts';
import { edgeOf, tileBytes, tilePath } from '#ledger/tiles.ts';
import { verifyLedger } from '#ledger/verify-ledger.ts';
import { systemActor } from '#platform/actor.ts';
import { billOf, PRICES, totalOf, type Usage } from './cost/prices.ts';

const BATCH = 1_000;

const draft = (n: number): RecordDraft => ({
  event: { type: 'release.shift.done', timestamp: '2026-01-05T10:00:10.000Z' },
  change: { service: 'checkout', environment: 'production' },
  actor: systemActor('sluice'),
  data: {
    n,
    weightPercent: 25,
    from: '41',
    to: '42',
    digest: createHash('sha256').update(String(n)).digest('hex'),
  },
});

const seconds = (since: number): number => (performance.now() - since) / 1_000;
const count = (n: number): string => Math.round(n).toLocaleString('en-US');
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** Links `size` records, a batch at a time, and hands each on; what a writer computes besides its transactions. */
function* linked(size: number) {
  let head: LedgerHead = EMPTY_LEDGER;
  while (head.size < size) {
    const { size: from } = head;
    const drafts = Array.from({ length: Math.min(BATCH, size - from) }, (_, n) => draft(from + n));
    const made = linkRecords(head, drafts, {
      newSalt: () => 'AAAAAAAAAAAAAAAAAAAAAA',
      ids: drafts.map(() => '01JGXQ00000000000000000000'),
    });
    yield made.records;
    head = made.head;
  }
}

/** How fast the ledger links, verifies and proves on one core, and in how much memory: `npm run bench -- ledger [records]`. */
export async function run([records = '1000000']: readonly string[] = []): Promise<void> {
  const size = Number(records);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = parseVkey(
    vkeyOf('bench/ledger', Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')),
  );
  const note = (tree: MerkleTree): string => {
    const text = checkpointText(key.name, { size: tree.size, root: tree.root() });
    return signedNote(text, key, sign(null, Buffer.from(text), privateKey));
  };

  const began = performance.now();
  let bytes = 0;
  let linking = 0;
  const tree = new MerkleTree();
  const tiles = new Map<string, Uint8Array>();
  const checkpoints: { name: string; size: number; note: string }[] = [];
  let from = performance.now();
  for (const batch of linked(size)) {
    linking += performance.now() - from;
    for (const { record, canonical } of batch) {
      bytes += Buffer.byteLength(canonical);
      tree.append(Buffer.from(record.recordHash, 'hex'), (level, index, hashes) =>
        tiles.set(tilePath({ level, index, width: TILE_WIDTH }), tileBytes(hashes)),
      );
    }
    checkpoints.push({ name: `checkpoints/${tree.size}`, size: tree.size, note: note(tree) });
    from = performance.now();
  }
  for (const tile of edgeOf(size))
    if (tile.width > 0) tiles.set(tilePath(tile), tileBytes(tree.edge(tile.level)));
  console.log(
    `${count(size)} records of ${count(bytes / size)} bytes, made in ${seconds(began).toFixed(0)} s`,
  );
  console.log(`canonicalise, hash, link: ${count(size / (linking / 1_000))} records a second`);

  await verify();
  await prove();
  tellCosts();

  /** As `audit verify` does, but for reading the file: the lines are made anew while the clock stands. */
  async function verify(): Promise<void> {
    let making = 0;
    let most = 0;
    function* fresh(): Generator<string> {
      let since = performance.now();
      for (const batch of linked(size)) {
        const made = batch.map(({ record, canonical }) => exportLineOf({ ...record, canonical }));
        making += performance.now() - since;
        yield* made;
        most = Math.max(most, process.memoryUsage().rss);
        since = performance.now();
      }
    }
    const since = performance.now();
    const verdict = await verifyLedger(
      fresh(),
      { checkpoints, tiledSize: size, tiles: async (tile) => tiles.get(tilePath(tile)) },
      key,
    );
    if (!verdict.ok) throw new Error(verdict.text);
    const taken = seconds(since) - making / 1_000;
    console.log(
      `verify: ${count(size / taken)} records a second, ${count(verdict.signed.checkpoints)} checkpoints among them; at most ${megabytes(most)} with the ${megabytes(tiles.size * 8_192)} of tiles that the benchmark itself holds`,
    );
  }

  async function prove(): Promise<void> {
    const index = Math.floor(size / 3);
    const [batch] = [...linked(index + 1)].slice(-1);
    const last = batch?.at(-1);
    const since = performance.now();
    const proof = await inclusionProof(async (tile) => tiles.get(tilePath(tile)), index, size);
    const receipt = receiptText({ index, proof, checkpoint: checkpoints.at(-1)?.note ?? '' });
    const made = seconds(since);
    const checked = performance.now();
    const verdict = verifyReceipt(receipt, last?.canonical ?? '', key);
    if (!verdict.ok) throw new Error(verdict.text);
    console.log(
      `receipt: ${receipt.length} bytes with ${proof.length} hashes, made in ${(1_000 * made).toFixed(1)} ms, checked in ${(1_000 * seconds(checked)).toFixed(1)} ms`,
    );
  }
}

/** A month of a million records in batches of two, as decisions come, spread so that every minute has new ones to seal. */
const MONTH = { records: 1_000_000, batch: 2, minutes: 43_800 } as const;

const month = (): Usage => {
  const batches = MONTH.records / MONTH.batch;
  const fullTiles = MONTH.records / TILE_WIDTH;
  return {
    // In a transaction a put costs twice: each record, the head and the batch; once more for the index by release.
    writeUnits: 2 * (MONTH.records + 2 * batches) + MONTH.records + 2 * MONTH.minutes,
    readUnits: 2 * batches + 3 * MONTH.minutes,
    invocations: batches + MONTH.records / 10 + MONTH.minutes,
    gigabyteSeconds: batches * 0.03 + MONTH.minutes,
    events: MONTH.records,
    traces: batches + MONTH.records / 10 + MONTH.minutes,
    signatures: MONTH.minutes,
    // A checkpoint in two buckets, the tile, the bundle and the tile above; then the full ones.
    objectPuts: 5 * MONTH.minutes + 2 * fullTiles,
    objectReads: 3 * MONTH.minutes,
  };
};

const tellCosts = (): void => {
  const usage = month();
  console.log(`\n${count(MONTH.records)} records a month: $${totalOf(usage).toFixed(2)}`);
  for (const { what, amount, dollars } of billOf(usage))
    console.log(`  $${dollars.toFixed(2).padStart(6)}  ${count(amount).padStart(11)} ${PRICES[what].unit}`);
};
