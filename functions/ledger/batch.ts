import { createHash } from 'node:crypto';
import { canonicalJson } from '#ledger/canonical.ts';
import type { LinkedRecord } from '#ledger/chain.ts';
import { type Disclosures, personalValues, withoutPersonal } from '#ledger/personal.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { InvalidRequestError } from '#platform/errors.ts';

/** A DynamoDB transaction takes 100 actions; the head and the batch's own item are two of them. */
export const BATCH_RECORDS_MAX = 98;

/** A record of what a person did is two actions: itself, and the personal values beside it. */
export const PEOPLES_RECORDS_MAX = BATCH_RECORDS_MAX / 2;

/** Of the transaction's 4 MB; the rest is room for attribute names, keys, hashes and the receipts. */
const BATCH_BYTES_MAX = 3_500_000;

const digestOf = (drafts: readonly RecordDraft[]): string => {
  const timeless = drafts.map((draft) => ({ ...draft, event: { type: draft.event.type } }));
  return createHash('sha256').update(canonicalJson(timeless), 'utf8').digest('hex');
};

/**
 * What makes two batches the same. A step that is retried after a crash hands in the same decision at a later time,
 * and that must be recognised as the first batch and not as a contradiction to it: so the events' timestamps are left
 * out, and the first attempt's stand. Personal values are left out too, because the digest stays when they are redacted
 * and whoever has it could try them out; they are compared where they are.
 */
export const batchDigest = (drafts: readonly RecordDraft[]): string => digestOf(drafts.map(withoutPersonal));

/** Whether a digest that was kept is of these drafts; of batches from before values were kept apart it holds them too. */
const isDigestOf = (digest: string, drafts: readonly RecordDraft[]): boolean =>
  digest === batchDigest(drafts) || digest === digestOf(drafts);

/** Whether these drafts are those of an earlier batch, as far as its personal values are still there to compare. */
export const isSameBatch = (
  drafts: readonly RecordDraft[],
  earlier: { readonly digest: string; readonly people: readonly (Disclosures | undefined)[] },
): boolean =>
  isDigestOf(earlier.digest, drafts) &&
  drafts.every((draft, place) => {
    const known = earlier.people[place];
    if (known === undefined) return true;
    return Object.entries(personalValues(draft)).every(([at, value]) => known[at]?.value === value);
  });

const isEmpty = (disclosures: Disclosures): boolean => Object.keys(disclosures).length === 0;

/**
 * @throws InvalidRequestError when the batch does not fit into one transaction, which would break its promise of all
 * or nothing.
 */
export const requireOneTransaction = (records: readonly LinkedRecord[]): void => {
  const bytes = records.reduce((sum, { canonical }) => sum + Buffer.byteLength(canonical, 'utf8'), 0);
  const actions = records.reduce((sum, { disclosures }) => sum + (isEmpty(disclosures) ? 1 : 2), 0);
  if (actions > BATCH_RECORDS_MAX || bytes > BATCH_BYTES_MAX)
    throw new InvalidRequestError(
      `a batch is appended as a whole and takes ${BATCH_RECORDS_MAX} records (${PEOPLES_RECORDS_MAX} of what people did) and ${BATCH_BYTES_MAX} bytes at most: hand this one in as several batches, each with its own id`,
    );
};
