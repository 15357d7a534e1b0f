import type { LedgerReader } from '#ledger/append.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { placeOf, termsOf } from '#ledger/record-filter.ts';
import { LedgerIntegrityError, TransientError } from '#platform/errors.ts';

/** That a record stands under a term. */
export interface IndexRow {
  readonly term: string;
  readonly place: string;
}

/** The index's writing side. Rows may be put any number of times. */
export interface RecordIndexWriter {
  /** The number of the first record that is not in the index yet. Consistent. */
  indexedSize(): Promise<number>;
  put(rows: readonly IndexRow[]): Promise<void>;
  /** False when somebody else has moved it from `from` meanwhile. */
  advance(from: number, to: number): Promise<boolean>;
}

export interface IndexPorts {
  readonly ledger: Pick<LedgerReader, 'head' | 'from'>;
  readonly index: RecordIndexWriter;
  /** Told of a record that can't be read: it stands in the ledger, and under no term. */
  readonly onUnreadable: (seq: number) => void;
  readonly isTimeLeft: () => boolean;
}

/** Records read and indexed at once. */
const STRIDE = 100;

interface Stride {
  readonly records: readonly LedgerRecord[];
  readonly end: number;
}

/**
 * The records from `position` on. One that was made unreadable by hand must not keep those behind it out of the index:
 * from there on they are read one by one, and it is passed over.
 */
const readStride = async (
  { ledger, onUnreadable }: IndexPorts,
  position: number,
  size: number,
): Promise<Stride> => {
  const read = async (limit: number): Promise<Stride> => {
    const { records, next } = await ledger.from(position, limit);
    // The head says where the end is: one that was put behind it by hand would take the index past what is yet to come.
    const end = next ?? size;
    return { records: records.filter(({ seq }) => seq < end), end };
  };
  try {
    return await read(STRIDE);
  } catch (error) {
    if (!(error instanceof LedgerIntegrityError)) throw error;
  }
  try {
    return await read(1);
  } catch (error) {
    if (!(error instanceof LedgerIntegrityError)) throw error;
    onUnreadable(position);
    return { records: [], end: position + 1 };
  }
};

/**
 * Brings the index up to the ledger's head, from wherever it is. Nobody has to tell which records are new: a call that
 * was lost is made up for by the next one, and an index that was deleted is made anew from record 0.
 * @throws TransientError when time is up before the end, so that it is called again.
 */
export const indexRecords = async (ports: IndexPorts): Promise<void> => {
  const { ledger, index, isTimeLeft } = ports;
  for (;;) {
    const [position, { size }] = await Promise.all([index.indexedSize(), ledger.head()]);
    if (position >= size) return;
    if (!isTimeLeft())
      throw new TransientError(
        `the index has ${position} of ${size} records so far: call again for the rest`,
      );
    const { records, end } = await readStride(ports, position, size);
    await index.put(
      records.flatMap((record) => termsOf(record).map((term) => ({ term, place: placeOf(record) }))),
    );
    await index.advance(position, end);
  }
};
