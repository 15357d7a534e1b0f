import * as z from 'zod';
import { canonicalRecord } from '#ledger/canonical.ts';
import { ambiguitiesOf } from '#ledger/json-text.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { hashSchema } from '#ledger/record.ts';

/** A record's place in the chain, as it says itself. */
export interface Link {
  readonly seq: number;
  readonly prevHash: string;
  readonly recordHash: string;
}

/** One line of an export. `sound`: the record is what its hash says, whatever its place; else why it isn't. */
export type ExportLine =
  | { readonly kind: 'sound'; readonly link: Link; readonly canonical: string }
  | { readonly kind: 'unsound'; readonly seq: number | undefined; readonly text: string }
  | { readonly kind: 'cut'; readonly text: string };

/** Only what links records is asked of a record: types and fields that a newer Sluice adds are checked all the same. */
const linkSchema = z.object({ seq: z.int().min(0), prevHash: hashSchema, recordHash: hashSchema });

const numberSchema = linkSchema.pick({ seq: true });

const unsound = (seq: number | undefined, text: string): ExportLine => ({ kind: 'unsound', seq, text });

const parse = (line: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(line) };
  } catch {
    return undefined;
  }
};

/** Reads one line and recomputes its hash from what it says. Never throws, whatever the line holds. */
export const readExportLine = (line: string): ExportLine => {
  const parsed = parse(line);
  if (parsed === undefined) {
    if (line.startsWith('{') && !line.trimEnd().endsWith('}'))
      return { kind: 'cut', text: 'the line ends in the middle of a record' };
    return unsound(undefined, 'the line is not JSON');
  }
  const link = linkSchema.safeParse(parsed.value);
  if (!link.success) {
    const seq = numberSchema.safeParse(parsed.value).data?.seq;
    const fields = [...new Set(link.error.issues.map((issue) => issue.path.join('.') || 'the record'))];
    return unsound(seq, `${fields.join(', ')} missing or malformed`);
  }
  const { seq } = link.data;
  const [ambiguity] = ambiguitiesOf(line);
  if (ambiguity !== undefined) return unsound(seq, ambiguity.text);
  try {
    const canonical = canonicalRecord(parsed.value as object);
    if (leafHash(canonical) === link.data.recordHash) return { kind: 'sound', link: link.data, canonical };
  } catch {
    return unsound(seq, 'it holds what no ledger record can hold');
  }
  return unsound(seq, 'its content does not have the hash that stands on it');
};

/** A record as it is at rest: the text that its hash covers, beside the hash. */
export interface StoredRecord {
  readonly seq: number;
  readonly canonical: string;
  readonly recordHash: string;
}

/** The line of an export that a stored record becomes. */
export const exportLineOf = ({ canonical, recordHash }: StoredRecord): string =>
  `${canonical.slice(0, -1)},"recordHash":${JSON.stringify(recordHash)}}`;

/** As a line of an export; and what is stored must be the canonical text to the letter, not only mean the same. */
export const readStoredRecord = (stored: StoredRecord): ExportLine => {
  const line = readExportLine(exportLineOf(stored));
  return line.kind === 'sound' && line.canonical !== stored.canonical
    ? unsound(stored.seq, 'its text is not canonical')
    : line;
};
