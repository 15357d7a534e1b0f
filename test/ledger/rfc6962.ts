import { hash } from 'node:crypto';

/** The definitions of RFC 6962 section 2.1 word for word, slow and without any of our own code: what ours is compared with. */
const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');
const split = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);

type Leaf = Uint8Array;

/** MTH over leaf hashes. */
export const mth = (leaves: readonly Leaf[]): Buffer => {
  if (leaves.length === 0) return sha256();
  const [only] = leaves;
  if (only !== undefined && leaves.length === 1) return Buffer.from(only);
  const k = split(leaves.length);
  return sha256(Uint8Array.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
};

/** PATH(m, D[n]). */
export const path = (m: number, leaves: readonly Leaf[]): Buffer[] => {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
};

/** SUBPROOF(m, D[n], b). */
const subproof = (m: number, leaves: readonly Leaf[], b: boolean): Buffer[] => {
  if (m === leaves.length) return b ? [] : [mth(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), b), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
};

/** PROOF(m, D[n]). */
export const proof = (m: number, leaves: readonly Leaf[]): Buffer[] => subproof(m, leaves, true);
