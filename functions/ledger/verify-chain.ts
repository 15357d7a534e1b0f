import { EMPTY_LEDGER, type LedgerHead } from '#ledger/chain.ts';
import { type ExportLine, isBlank, type Line, type Link, readExportLine } from '#ledger/export-line.ts';

export type ChainFault =
  | 'edited'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'inconsistent'
  | 'bad-signature';

/**
 * `seq` is the first broken record's number: of the one that was edited, is missing, is not in its place, or for
 * `inserted` the number that the extra record bears. Every record before the break is as it was written.
 */
export type ChainVerdict =
  | { readonly ok: true; readonly records: number; readonly head: LedgerHead }
  | { readonly ok: false; readonly fault: ChainFault; readonly seq: number; readonly text: string };

export type Broken = Extract<ChainVerdict, { ok: false }>;
export type Lines = AsyncIterable<Line> | Iterable<Line>;

type SoundLine = Extract<ExportLine, { kind: 'sound' }>;

/** Something beside the chain that the records must agree with: it is shown each of them, and asked at its stops. */
export interface Witness {
  /** After how many records it has something to say next. */
  readonly stop: number;
  add(line: SoundLine): void;
  /** What is wrong, if anything, now that `stop` records were shown. */
  arrive(): Promise<Broken | undefined>;
  /** What is wrong, if anything, with these being all. */
  end(): Promise<Broken | undefined>;
}

export const broken = (fault: ChainFault, seq: number, text: string): Broken => ({
  ok: false,
  fault,
  seq,
  text,
});

/** Where the sound part of the chain ends, and what the record before the last one was linked to. */
interface Proven extends LedgerHead {
  readonly last: Link | undefined;
}

const continues = (line: ExportLine, proven: Proven): line is SoundLine =>
  line.kind === 'sound' && line.link.seq === proven.size && line.link.prevHash === proven.hash;

/** What the lines after the first one that doesn't fit say about how it came there. Constant memory. */
interface Aftermath {
  /** The very next record; undefined at the end. */
  readonly next: ExportLine | undefined;
  /** A record that fits the proven chain comes after all. */
  readonly expectedComes: boolean;
  /** Some record with the number that was due comes, fitting or not. */
  readonly dueNumberComes: boolean;
  /** The number that the misfit bears comes a second time. */
  readonly misfitNumberComes: boolean;
}

const seqOf = (line: ExportLine): number | undefined => {
  switch (line.kind) {
    case 'sound':
      return line.link.seq;
    case 'unsound':
      return line.seq;
    case 'cut':
      return undefined;
  }
};

const observe = async (
  lines: AsyncIterator<Line>,
  proven: Proven,
  misfit: ExportLine,
): Promise<Aftermath> => {
  let next: ExportLine | undefined;
  let expectedComes = false;
  let dueNumberComes = false;
  let misfitNumberComes = false;
  for (let step = await lines.next(); step.done !== true; step = await lines.next()) {
    const line = readExportLine(step.value);
    next ??= line;
    expectedComes ||= continues(line, proven);
    const seq = seqOf(line);
    dueNumberComes ||= seq === proven.size;
    misfitNumberComes ||= seq !== undefined && seq === seqOf(misfit);
  }
  return { next, expectedComes, dueNumberComes, misfitNumberComes };
};

const range = (from: number, to: number): string =>
  from === to ? `record ${from} is` : `records ${from} to ${to} are`;

/** A record with a sound hash and the due number, but linked to another record than the one before it. */
const diagnoseLink = (proven: Proven, link: Link, after: Aftermath): Broken => {
  const due = proven.size;
  if (after.expectedComes)
    return broken('inserted', due, `a second record ${due} stands before the one that belongs there`);
  const { next } = after;
  const nextFits = next?.kind === 'sound' && next.link.prevHash === link.recordHash;
  if (due > 0 && (nextFits || next === undefined))
    return broken(
      'edited',
      due - 1,
      `record ${due} was linked to another record ${due - 1} than this one: it was edited and given a new hash`,
    );
  return broken(
    'edited',
    due,
    `record ${due} is linked to nothing before it: it was edited and given a new hash`,
  );
};

/** A record with a sound hash and a number beyond the one that is due. */
const diagnoseGap = (proven: Proven, link: Link, after: Aftermath): Broken => {
  const due = proven.size;
  if (after.dueNumberComes)
    return after.misfitNumberComes
      ? broken('inserted', link.seq, `record ${link.seq} stands where record ${due} belongs, and again later`)
      : broken('reordered', due, `record ${link.seq} stands where record ${due} belongs, which comes later`);
  if (link.prevHash === proven.hash)
    return broken(
      'inconsistent',
      due,
      `record ${link.seq} is linked to record ${due - 1}: numbers were left out`,
    );
  return broken('removed', due, `${range(due, link.seq - 1)} missing`);
};

/** A record with a sound hash and a number that was there already. */
const diagnoseRepeat = (proven: Proven, link: Link): Broken => {
  const last = proven.last;
  const rival = last !== undefined && link.seq === last.seq && link.recordHash !== last.recordHash;
  return broken(
    'inserted',
    link.seq,
    rival
      ? `there are two different records ${link.seq}, and only one of them can have been written`
      : `a record ${link.seq} stands again after record ${proven.size - 1}`,
  );
};

const diagnose = async (proven: Proven, misfit: ExportLine, lines: AsyncIterator<Line>): Promise<Broken> => {
  const after = await observe(lines, proven, misfit);
  const due = proven.size;
  if (misfit.kind === 'cut' && after.next === undefined)
    return broken('truncated', due, `${misfit.text}: the export was cut off at record ${due}`);
  if (misfit.kind !== 'sound')
    return after.expectedComes
      ? broken(
          'inserted',
          seqOf(misfit) ?? due,
          `something stands before record ${due} that is none: ${misfit.text}`,
        )
      : broken('edited', due, `where record ${due} belongs: ${misfit.text}`);
  const { link } = misfit;
  if (link.seq < due) return diagnoseRepeat(proven, link);
  return link.seq === due ? diagnoseLink(proven, link, after) : diagnoseGap(proven, link, after);
};

/** What the verifier knows of the ledger from elsewhere must be in the export. */
const contradicts = (proven: LedgerHead, known: LedgerHead): Broken | undefined =>
  proven.size === known.size && proven.hash !== known.hash
    ? broken(
        'inconsistent',
        Math.max(known.size - 1, 0),
        `after ${known.size} records the hash is ${proven.hash} and not ${known.hash}: the chain holds together but is not the one you know; some record up to here was edited and all later ones given new hashes`,
      )
    : undefined;

async function* nonEmpty(lines: Lines): AsyncGenerator<Line> {
  for await (const line of lines) if (!isBlank(line)) yield line;
}

/**
 * Checks an export of the ledger, one record a line from record 0 on: every hash, every link, every number. Reads the
 * lines once, in constant memory, and at the first one that doesn't fit reads on only to tell what was done to it.
 *
 * By itself a chain proves that nothing before its last record was changed. It can't prove that nothing came after
 * (a prefix is a sound chain) nor that nobody wrote all of it anew from some record on: `known`, a size and hash that
 * the verifier holds from elsewhere, does both, up to its size; so does a witness that knows what was signed.
 */
export const verifyRecords = async (
  lines: Lines,
  known?: LedgerHead,
  { from = EMPTY_LEDGER, witness }: { readonly from?: LedgerHead; readonly witness?: Witness } = {},
): Promise<ChainVerdict> => {
  const source = nonEmpty(lines);
  let proven: Proven = { ...from, last: undefined };
  const atStop = async (): Promise<Broken | undefined> =>
    witness?.stop === proven.size ? witness.arrive() : undefined;
  const early = await atStop();
  if (early !== undefined) return early;
  for (let step = await source.next(); step.done !== true; step = await source.next()) {
    const line = readExportLine(step.value);
    if (!continues(line, proven)) return diagnose(proven, line, source);
    proven = { size: proven.size + 1, hash: line.link.recordHash, last: line.link };
    witness?.add(line);
    const contradiction =
      (known && contradicts(proven, known)) ?? (witness?.stop === proven.size ? await atStop() : undefined);
    if (contradiction !== undefined) return contradiction;
  }
  if (known !== undefined && proven.size < known.size)
    return broken(
      'truncated',
      proven.size,
      `the export ends with ${proven.size} of at least ${known.size} records: the rest is missing`,
    );
  const atEnd = await witness?.end();
  return atEnd ?? { ok: true, records: proven.size, head: { size: proven.size, hash: proven.hash } };
};
