import { openCheckpoint } from '#ledger/checkpoint.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { HASH_BYTES, type Hash, sameHash } from '#ledger/merkle.ts';
import { rootByInclusion } from '#ledger/proofs.ts';
import type { VerifierKey } from '#ledger/signed-note.ts';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';

/** A record's place in the ledger and what proves it, without the record (C2SP tlog-proof). */
export interface Receipt {
  readonly index: number;
  readonly proof: readonly Hash[];
  /** The signed note, word for word. */
  readonly checkpoint: string;
}

export const receiptText = ({ index, proof, checkpoint }: Receipt): string =>
  [
    FIRST_LINE,
    `index ${index}`,
    ...proof.map((hash) => Buffer.from(hash).toString('base64')),
    '',
    checkpoint,
  ].join('\n');

const hashOf = (line: string): Hash | undefined => {
  const bytes = Buffer.from(line, 'base64');
  return bytes.length === HASH_BYTES && bytes.toString('base64') === line ? bytes : undefined;
};

/** @returns undefined when the text is no receipt. A line of extra data, which nothing vouches for, is passed over. */
export const parseReceipt = (text: string): Receipt | undefined => {
  const split = text.indexOf('\n\n');
  const [first, ...lines] = text.slice(0, Math.max(split, 0)).split('\n');
  if (lines[0]?.startsWith('extra ')) lines.shift();
  const [, digits] = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '') ?? [];
  const proof = lines.map(hashOf).filter((hash) => hash !== undefined);
  if (first !== FIRST_LINE || digits === undefined || proof.length !== lines.length) return undefined;
  return { index: Number(digits), proof, checkpoint: text.slice(split + 2) };
};

export type ReceiptVerdict =
  | { readonly ok: true; readonly index: number; readonly size: number; readonly recordHash: string }
  | {
      readonly ok: false;
      readonly fault: 'malformed' | 'bad-signature' | 'inconsistent';
      readonly text: string;
    };

const broken = (fault: Extract<ReceiptVerdict, { ok: false }>['fault'], text: string): ReceiptVerdict => ({
  ok: false,
  fault,
  text,
});

/** Whether a receipt proves that this record, by its canonical text, is in the ledger that `key` signs. Needs nothing else. */
export const verifyReceipt = (text: string, canonical: string, key: VerifierKey): ReceiptVerdict => {
  const receipt = parseReceipt(text);
  if (receipt === undefined) return broken('malformed', `this is no receipt of the form ${FIRST_LINE}`);
  const opened = openCheckpoint(receipt.checkpoint, key);
  if (!opened.ok) return broken('bad-signature', `the receipt's checkpoint: ${opened.reason}`);
  const { size, root } = opened.head;
  const recordHash = leafHash(canonical);
  const reached = rootByInclusion(Buffer.from(recordHash, 'hex'), receipt.index, size, receipt.proof);
  if (reached === undefined || !sameHash(reached, root))
    return broken(
      'inconsistent',
      `the record is not number ${receipt.index} of the ${size} that the checkpoint signs, or the proof was changed`,
    );
  return { ok: true, index: receipt.index, size, recordHash };
};
