import type { LedgerHead } from '#ledger/chain.ts';
import { openCheckpoint } from '#ledger/checkpoint.ts';
import type { MerkleTree } from '#ledger/merkle.ts';
import type { VerifierKey } from '#ledger/signed-note.ts';
import { type FoundCheckpoint, type Published, TreeWitness } from '#ledger/tree-witness.ts';
import { type Broken, broken, type Lines, verifyRecords } from '#ledger/verify-chain.ts';

/** Of a ledger that holds: how much of it was signed by the key, and in how many checkpoints. */
export interface SignedLedger {
  readonly ok: true;
  /** All records, those before the ones that were read included. */
  readonly records: number;
  readonly head: LedgerHead;
  readonly signed: { readonly size: number; readonly root: string; readonly checkpoints: number };
}

export type LedgerVerdict = SignedLedger | Broken;

/** A part of the ledger that an earlier run has verified, to go on from. */
export interface VerifiedPart {
  readonly tree: MerkleTree;
  /** The last record's hash. */
  readonly hash: string;
}

/** `held` among the others, at its place. */
async function* withHeld(
  checkpoints: Published['checkpoints'],
  held: FoundCheckpoint | undefined,
): AsyncGenerator<FoundCheckpoint> {
  let waiting = held;
  for await (const found of checkpoints) {
    if (waiting !== undefined && waiting.size <= found.size) {
      yield waiting;
      waiting = undefined;
    }
    yield found;
  }
  if (waiting !== undefined) yield waiting;
}

/**
 * Checks records, chain, tree, checkpoints and tiles of a ledger against each other and against the key, in one pass and
 * in memory that does not grow with it. The command on an export, and the stack on itself, run this.
 *
 * It can't know whether `key` is the log's: an export with a key of its own is consistent in itself. Nor what came
 * after the last checkpoint: an old export is consistent too. `held`, a checkpoint that the verifier has from elsewhere,
 * shows that everything up to it is there and is the same.
 */
export const verifyLedger = async (
  lines: Lines,
  published: Published,
  key: VerifierKey,
  { held, from }: { readonly held?: string | undefined; readonly from?: VerifiedPart | undefined } = {},
): Promise<LedgerVerdict> => {
  let heldCheckpoint: FoundCheckpoint | undefined;
  if (held !== undefined) {
    const opened = openCheckpoint(held, key);
    if (!opened.ok)
      return broken('bad-signature', 0, `the checkpoint you hold can't be trusted: ${opened.reason}`);
    heldCheckpoint = { name: 'the checkpoint you hold', size: opened.head.size, note: held };
  }
  const checkpoints = withHeld(published.checkpoints, heldCheckpoint);
  const witness = new TreeWitness({ ...published, checkpoints }, key, from?.tree);
  const start = from && { size: from.tree.size, hash: from.hash };
  const verdict = await verifyRecords(lines, undefined, { ...(start && { from: start }), witness });
  if (!verdict.ok) return verdict;
  const { checkpoints: count, head } = witness.found;
  return {
    ...verdict,
    signed: {
      size: head?.size ?? 0,
      root: Buffer.from(head?.root ?? new Uint8Array()).toString('base64'),
      checkpoints: count,
    },
  };
};
