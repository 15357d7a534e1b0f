import type { LedgerReader, LedgerWriter } from '#ledger/append.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import type { IndexRow, RecordIndexWriter } from '#ledger/index-records.ts';
import { covers, type Holds, inForce } from '#ledger/legal-hold.ts';
import { withheldIn } from '#ledger/personal.ts';
import type { LedgerRecord, RecordDraft } from '#ledger/record.ts';
import { placeOf, termsOf } from '#ledger/record-filter.ts';
import type { Actor } from '#platform/actor.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';

/** One transaction's: 100 actions, one of which is a check. */
export const REDACTED_AT_ONCE = 98;

export interface RedactionPorts {
  readonly reader: Pick<LedgerReader, 'head' | 'byNumbers'>;
  readonly ledger: LedgerWriter;
  readonly index: Pick<RecordIndexWriter, 'indexedSize'> & {
    remove(rows: readonly IndexRow[]): Promise<void>;
  };
  readonly holds: () => Promise<Holds>;
  /** Deletes the personal values of these records; false when a hold came or went since that revision. */
  readonly forget: (seqs: readonly number[], holdsRevision: number) => Promise<boolean>;
}

export interface Redaction {
  /** Numbers of records. */
  readonly records: readonly number[];
  readonly reason: string;
  readonly by: Actor;
  readonly at: string;
  /** Names the request: given again, it finishes what was cut off. */
  readonly key: string;
}

export interface Redacted {
  /** Of these no personal value is left. */
  readonly redacted: readonly number[];
  /** These never had one apart: no person in them, or written before such values were kept beside records. */
  readonly untouched: readonly number[];
}

const readAll = async (
  { reader }: RedactionPorts,
  seqs: readonly number[],
): Promise<readonly LedgerRecord[]> => {
  const records: LedgerRecord[] = [];
  while (records.length < seqs.length) records.push(...(await reader.byNumbers(seqs.slice(records.length))));
  return records;
};

const told = (type: LedgerEventType, { records, reason, by, at }: Redaction): RecordDraft => ({
  event: { type, timestamp: at },
  change: {},
  actor: by,
  data: { records, reason },
});

/**
 * Deletes the personal values of records, and the salts that their digests were made with: intent recorded, no longer
 * found by who did it, deleted, outcome recorded. The records themselves stay as they are, and so every hash and proof.
 * @throws ConflictError when one of them is under a legal hold.
 */
export const redactRecords = async (ports: RedactionPorts, redaction: Redaction): Promise<Redacted> => {
  const { reader, ledger, index, holds, forget } = ports;
  const seqs = [...new Set(redaction.records)].toSorted((a, b) => a - b);
  const last = seqs.at(-1) ?? 0;
  const [{ size }, indexed] = await Promise.all([reader.head(), index.indexedSize()]);
  if (last >= size) throw new NotFoundError(`there is no record ${last}: the ledger has ${size}`);
  // What is indexed later would be found by the person's name again.
  if (last >= indexed)
    throw new TransientError(`record ${last} is newer than the index: try again in a moment`);
  const present = await holds();
  const records = await readAll(ports, seqs);
  for (const record of records) {
    const hold = inForce(present).find((each) => covers(each, record));
    if (hold !== undefined)
      throw new ConflictError(
        `record ${record.seq} is under legal hold ${hold.holdId} and can't be redacted before that is lifted`,
      );
  }
  const named = { ...redaction, records: seqs };
  await ledger.append(`redaction/${redaction.key}/intended`, [told('ledger.redaction.intended', named)]);
  const personal = records.filter(({ salts }) => salts !== undefined);
  await index.remove(
    personal.flatMap((record) =>
      termsOf(record)
        .filter((term) => term.startsWith('actor#'))
        .map((term) => ({ term, place: placeOf(record) })),
    ),
  );
  if (!(await forget(seqs, present.revision)))
    throw new TransientError('a legal hold was put or lifted at the same moment: try again');
  await ledger.append(`redaction/${redaction.key}/done`, [told('ledger.redacted', named)]);
  const redacted = (await readAll(ports, seqs))
    .filter((record) => withheldIn(record).length > 0)
    .map(({ seq }) => seq);
  return { redacted, untouched: seqs.filter((seq) => !redacted.includes(seq)) };
};
