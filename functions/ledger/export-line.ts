import * as z from 'zod';
import { canonicalRecord } from '#ledger/canonical.ts';
import { canonicalLine } from '#ledger/canonical-line.ts';
import { ambiguitiesOf } from '#ledger/json-text.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { saltsSchema, sealedBody } from '#ledger/personal.ts';
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

/** A line of an export: as text, or as the bytes of a file. */
export type Line = string | Buffer;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const BRACE = '{'.charCodeAt(0);

/** What stands for bytes that are no text: no JSON either, which is what is then said of the line. */
const NO_TEXT = '\u{fffd}';

const textOf = (line: Line): string => {
  if (typeof line === 'string') return line;
  try {
    return decoder.decode(line);
  } catch {
    return NO_TEXT;
  }
};

/** What a record has beside its values when they are shown: the text alone is then not what its hash covers. */
const SALTS = '"salts":';

const HASH = /^[0-9a-f]{64}$/;

/** Whether an object's names, and those of all objects in it, stand in the order of the canonical form. */
const isSorted = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let previous = '';
  for (const name in value) {
    if (name < previous || !isSorted((value as Record<string, unknown>)[name])) return false;
    previous = name;
  }
  return true;
};

/** Text with half a surrogate pair has no bytes of its own, and would pass for that of another line. */
const bytesOf = (line: Line): Buffer | undefined =>
  typeof line !== 'string' ? line : line.isWellFormed() ? Buffer.from(line) : undefined;

/** The same answer as with care, ten times as fast, for what `audit export` writes: lines that are canonical to the letter. */
const readCanonicalLine = (line: Line): ExportLine | undefined => {
  if (line.includes(SALTS)) return undefined;
  const bytes = bytesOf(line);
  const found = bytes && canonicalLine(bytes);
  if (found === undefined) return undefined;
  const { canonical, ...link } = found;
  return leafHash(canonical) === link.recordHash ? { kind: 'sound', link, canonical } : undefined;
};

interface Disclosed {
  readonly recordHash: string;
  readonly salts: unknown;
}

/** What is left of a record with its members in order is in order too. */
const sealedText = ({ recordHash: _, salts, ...body }: Disclosed): string =>
  JSON.stringify(sealedBody(body, saltsSchema.parse(salts)));

/**
 * The same for a line that shows the personal values whose digests are hashed, half as fast.
 * @returns undefined when the line is anything else, which is then looked at with care.
 */
const readDisclosedLine = (line: Line): ExportLine | undefined => {
  if (!line.includes(SALTS)) return undefined;
  const text = textOf(line);
  // Half a surrogate pair can be written in no other way.
  if (text.includes('\\ud')) return undefined;
  try {
    const value = JSON.parse(text);
    if (JSON.stringify(value) !== text || !isSorted(value)) return undefined;
    const { seq, prevHash, recordHash, verification } = value;
    const isLink =
      Number.isSafeInteger(seq) && seq >= 0 && HASH.test(prevHash) && HASH.test(recordHash) && !verification;
    if (!isLink || value.salts === undefined) return undefined;
    const canonical = sealedText(value as Disclosed);
    return leafHash(canonical) === recordHash
      ? { kind: 'sound', link: { seq, prevHash, recordHash }, canonical }
      : undefined;
  } catch {
    return undefined;
  }
};

/** Whether there is nothing on the line but white space; what a record begins with is none. */
export const isBlank = (line: Line): boolean =>
  line[0] !== '{' && line[0] !== BRACE && textOf(line).trim() === '';

/** Reads one line and recomputes its hash from what it says. Never throws, whatever the line holds. */
export const readExportLine = (line: Line): ExportLine =>
  readCanonicalLine(line) ?? readDisclosedLine(line) ?? readAnyLine(textOf(line));

const readAnyLine = (line: string): ExportLine => {
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

/** How a record's canonical form ends: behind `recordHash` come these two, by their names. */
const END = /,"seq":\d+,"version":"[^"\\]*"}$/;

/** The line of an export that a stored record becomes; canonical again, if the record is, so that it is read fast. */
export const exportLineOf = ({ canonical, recordHash }: StoredRecord): string => {
  const place = END.exec(canonical)?.index ?? canonical.length - 1;
  const member = `,"recordHash":${JSON.stringify(recordHash)}`;
  return canonical.slice(0, place) + member + canonical.slice(place);
};

/** As a line of an export; and what is stored must be the canonical text to the letter, not only mean the same. */
export const readStoredRecord = (stored: StoredRecord): ExportLine => {
  const line = readExportLine(exportLineOf(stored));
  return line.kind === 'sound' && line.canonical !== stored.canonical
    ? unsound(stored.seq, 'its text is not canonical')
    : line;
};
