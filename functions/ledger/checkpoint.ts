import { HASH_BYTES, type Hash } from '#ledger/merkle.ts';
import { openNote, type VerifierKey } from '#ledger/signed-note.ts';

/** The state of the whole ledger in one line: so many records, and the root of the tree over them. */
export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

/** What is signed: C2SP tlog-checkpoint, without extension lines, which nobody could audit. */
export const checkpointText = (origin: string, { size, root }: TreeHead): string =>
  `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;

const headIn = (text: string, origin: string): TreeHead | undefined => {
  const [first, size = '', encoded = ''] = text.split('\n');
  if (first !== origin || !/^(0|[1-9]\d{0,15})$/.test(size)) return undefined;
  const head = { size: Number(size), root: Buffer.from(encoded, 'base64') };
  const isExact = head.root.length === HASH_BYTES && Number.isSafeInteger(head.size);
  return isExact && checkpointText(origin, head) === text ? head : undefined;
};

export type OpenedCheckpoint =
  | { readonly ok: true; readonly head: TreeHead }
  | { readonly ok: false; readonly reason: string };

/** The tree head of a checkpoint that the log itself signed: its key has the log's origin for its name. */
export const openCheckpoint = (note: string, key: VerifierKey): OpenedCheckpoint => {
  const opened = openNote(note, key);
  if (!opened.ok) return opened;
  const head = headIn(opened.text, key.name);
  return head === undefined
    ? { ok: false, reason: `it is signed, but is no checkpoint of ${key.name}` }
    : { ok: true, head };
};
