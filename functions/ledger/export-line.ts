import * as z from 'zod';
import { canonicalRecord } from '#ledger/canonical.ts';
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

const HASH = /^[0-9a-f]{64}$/;

const numberSchema = linkSchema.pick({ seq: true });

const unsound = (seq: number | undefined, text: string): ExportLine => ({ kind: 'unsound', seq, text });

const parse = (line: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(line) };
  } catch {
    return undefined;
  }
};

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

/** `seq` follows on `recordHash`, and what else has that name stands in `data`, before them. */
const withoutHash = (line: string, recordHash: string): string => {
  const member = `"recordHash":"${recordHash}",`;
  const start = line.lastIndexOf(member);
  return start === -1 ? line : line.slice(0, start) + line.slice(start + member.length);
};

interface Disclosed {
  readonly recordHash: string;
  readonly salts: unknown;
}

/** What is left of a record with its members in order is in order too. */
const sealedText = ({ recordHash: _, salts, ...body }: Disclosed): string =>
  JSON.stringify(sealedBody(body, saltsSchema.parse(salts)));

/**
 * The same answer for a line that is canonical to the letter, as `audit export` writes it, five times as fast: such a
 * text holds no name twice and no digit too many, and without its hash it is what the hash covers.
 * @returns undefined when the line is anything else, which is then looked at with care.
 */
const readCanonicalLine = (line: string): ExportLine | undefined => {
  // Half a surrogate pair can be written in no other way.
  if (line.includes('\\ud')) return undefined;
  try {
    const value = JSON.parse(line);
    if (JSON.stringify(value) !== line || !isSorted(value)) return undefined;
    const { seq, prevHash, recordHash, verification } = value;
    const isLink =
      Number.isSafeInteger(seq) && seq >= 0 && HASH.test(prevHash) && HASH.test(recordHash) && !verification;
    if (!isLink) return undefined;
    const canonical =
      value.salts === undefined ? withoutHash(line, recordHash) : sealedText(value as Disclosed);
    if (leafHash(canonical) !== recordHash) return undefined;
    return { kind: 'sound', link: { seq, prevHash, recordHash }, canonical };
  } catch {
    return undefined;
  }
};

/** Reads one line and recomputes its hash from what it says. Never throws, whatever the line holds. */
export const readExportLine = (line: string): ExportLine => readCanonicalLine(line) ?? readAnyLine(line);

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
