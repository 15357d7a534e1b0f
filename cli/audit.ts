import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { canonicalJson, canonicalRecord } from '../functions/ledger/canonical.ts';
import { openCheckpoint } from '../functions/ledger/checkpoint.ts';
import { ambiguitiesOf } from '../functions/ledger/json-text.ts';
import { leafHash } from '../functions/ledger/leaf-hash.ts';
import { proofRoutes } from '../functions/ledger/proof-routes.ts';
import { verifyReceipt } from '../functions/ledger/receipt.ts';
import { parseVkey, type VerifierKey } from '../functions/ledger/signed-note.ts';
import { firstRecordOf } from '../functions/ledger/tiles.ts';
import { type LedgerVerdict, type SignedLedger, verifyLedger } from '../functions/ledger/verify-ledger.ts';
import { SluiceError } from '../functions/platform/errors.ts';
import type { ApiClient } from './api-client.ts';
import { registerAuditHold } from './audit-hold.ts';
import { registerAuditQuery } from './audit-query.ts';
import { registerAuditRedact } from './audit-redact.ts';
import { registerAuditRedrive } from './audit-redrive.ts';
import { connect } from './connect.ts';
import { openExport } from './export-files.ts';
import { exportLedger } from './export-ledger.ts';
import { Failure } from './failure.ts';
import { type Line, readByteLines, readLines } from './lines.ts';
import { visible } from './output.ts';
import { readText } from './read-text.ts';
import { WithheldWatch, withheldSentences } from './withheld.ts';

const parseKey = (text: string): VerifierKey => {
  try {
    return parseVkey(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
};

/** A line that is too long to be read is no JSON either, which is what the verifier then says of it. */
async function* readable(
  lines: AsyncIterable<Buffer | undefined>,
  watch?: WithheldWatch,
): AsyncGenerator<string | Buffer> {
  for await (const line of lines) {
    if (line !== undefined) watch?.see(line);
    yield line ?? '\u{fffd}';
  }
}

interface VerifyOptions {
  readonly export: string;
  readonly key: VerifierKey;
  readonly checkpoint?: string;
  readonly json?: boolean;
}

/** What a sound export leaves open; said with every success, so that nobody takes it for more than it is. */
const notProven = (verdict: SignedLedger, held: number | undefined): string[] => [
  ...(held === undefined
    ? [
        `completeness: whether the ledger went on after record ${verdict.records - 1}, the last that the export's own checkpoints sign; give --checkpoint FILE with one that you hold from elsewhere`,
      ]
    : held < verdict.records
      ? [`completeness after record ${verdict.records - 1}: the checkpoint you hold ends at ${held - 1}`]
      : []),
  'whose log it is: an export made with a key of its own is just as sound; the key you gave must come from elsewhere than the export',
  'that what the records tell is true: only that they are as they were written',
];

const checked = ({ records, signed }: SignedLedger, held: number | undefined): string[] => [
  `the hash of each of ${records} records, the link to the one before, and numbers from 0 without gap or repetition`,
  `that the tree over them has the root of each of ${signed.checkpoints} checkpoints, so that each is consistent with all others`,
  'the signature of each checkpoint',
  'every tile and bundle of the export',
  ...(held === undefined ? [] : [`that the first ${held} records are those of the checkpoint you hold`]),
];

const sentences = (verdict: LedgerVerdict, held: number | undefined, withheld: readonly string[]): string =>
  verdict.ok
    ? [
        `The ledger is whole: ${verdict.records} records, all signed (${verdict.signed.checkpoints} checkpoints).`,
        ...checked(verdict, held).map((text) => `  checked: ${text}`),
        ...notProven(verdict, held).map((text) => `  not proven: ${text}`),
        ...withheld.map((text) => `  ${text}`),
      ].join('\n')
    : `The ledger is broken at record ${verdict.seq} (${verdict.fault}): ${verdict.text}`;

/** Verifies an export's directory; a stray file is looked for last, because it breaks no record. */
export const verifyExport = async (
  directory: string,
  key: VerifierKey,
  held?: string,
  watch?: WithheldWatch,
): Promise<LedgerVerdict> => {
  const files = openExport(directory);
  const lines = readable(readByteLines(files.records), watch);
  const verdict = await verifyLedger(lines, files.published, key, { held });
  const stray = verdict.ok ? files.strayTile() : undefined;
  if (stray === undefined) return verdict;
  return {
    ok: false,
    fault: 'inserted',
    seq: stray.tile === undefined ? 0 : firstRecordOf(stray.tile),
    text: `${stray.path} is no part of the tree that the checkpoints sign; the records are sound`,
  };
};

const verify = async (options: VerifyOptions): Promise<void> => {
  const held = options.checkpoint === undefined ? undefined : readText(options.checkpoint);
  const watch = new WithheldWatch();
  const verdict = await verifyExport(options.export, options.key, held, watch);
  const opened = held === undefined ? undefined : openCheckpoint(held, options.key);
  const heldSize = opened?.ok ? opened.head.size : undefined;
  const forPeople = process.stdout.isTTY && options.json !== true;
  const report = verdict.ok
    ? {
        ...verdict,
        checked: checked(verdict, heldSize),
        notProven: notProven(verdict, heldSize),
        withheld: watch.found,
      }
    : verdict;
  const told = forPeople
    ? sentences(verdict, heldSize, withheldSentences(watch.found))
    : JSON.stringify(report);
  console.log(visible(told));
  if (!verdict.ok) process.exitCode = 1;
};

const exportTo = async (options: { readonly out: string }, command: Command): Promise<void> => {
  const { newest: _, ...done } = await exportLedger(connect(command), options.out);
  console.log(JSON.stringify({ directory: options.out, ...done }));
};

interface ProofOptions {
  readonly out?: string;
  readonly receipt?: string;
  readonly record?: string;
  readonly key?: VerifierKey;
}

/** Fetches a record and its receipt. */
const fetchProof = async (api: ApiClient, index: string, out: string): Promise<void> => {
  const { canonical, receipt, recordHash } = await api.call(proofRoutes.getProof, { params: { index } });
  mkdirSync(out, { recursive: true });
  const files = { record: path.join(out, `${index}.json`), receipt: path.join(out, `${index}.tlog-proof`) };
  writeFileSync(files.record, canonical);
  writeFileSync(files.receipt, receipt);
  console.log(JSON.stringify({ index: Number(index), recordHash, ...files }));
};

const proof = async (index: string | undefined, options: ProofOptions, command: Command): Promise<void> => {
  if (index !== undefined) {
    if (!/^(0|[1-9]\d{0,14})$/.test(index)) throw new Failure(2, `${index} is no record's number`);
    return fetchProof(connect(command), index, options.out ?? '.');
  }
  const { receipt, record, key } = options;
  if (receipt === undefined || record === undefined || key === undefined)
    throw new Failure(
      2,
      'give the number of a record to fetch its receipt, or --receipt, --record and --key to check one',
    );
  const verdict = verifyReceipt(readText(receipt), hashable(readText(record), 'the record'), key);
  console.log(visible(JSON.stringify(verdict)));
  if (!verdict.ok) process.exitCode = 1;
};

/** The canonical text of a record, or of any JSON. */
const hashable = (text: string | undefined, what: string): string => {
  const refuse = (reason: string) => new Failure(2, `${what}: ${reason}`);
  if (text === undefined) throw refuse('it is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  for (const { kind, text: reason } of ambiguitiesOf(text))
    if (kind === 'duplicate-key') throw refuse(reason);
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  try {
    return isRecord ? canonicalRecord(value as object) : canonicalJson(value);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw refuse(error.faults.map((fault) => `${fault.path || 'the value'}: ${fault.message}`).join('; '));
  }
};

const hashOf = ({ number, text }: Line): { canonical: string; recordHash: string } => {
  const canonical = hashable(text, `line ${number}`);
  return { canonical: Buffer.from(canonical).toString('base64'), recordHash: leafHash(canonical) };
};

const hash = async (file: string | undefined): Promise<void> => {
  if (file !== undefined && !existsSync(file)) throw new Failure(2, `there is no file ${file}`);
  for await (const line of readLines(file)) console.log(JSON.stringify(hashOf(line)));
};

/**
 * `sluice audit …`: check the ledger without trusting who runs it; only `query`, `export`, `hold`, `redact`, `redrive` and
 * `proof INDEX` ask the API.
 */
export const registerAudit = (program: Command): void => {
  const audit = program.command('audit').description('search the audit ledger, and check it yourself');
  registerAuditQuery(audit);
  registerAuditHold(audit);
  registerAuditRedact(audit);
  audit
    .command('export')
    .description(
      'write the ledger up to its newest checkpoint into a directory, for verify and for other tools',
    )
    .requiredOption('-o, --out <dir>', 'directory to write to, new or empty')
    .option('--json', 'print JSON, which this command always does')
    .addHelpText('after', '\nExample:\n  $ sluice audit export -o ./export')
    .action(exportTo);
  audit
    .command('verify')
    .description('check every record, link, checkpoint and tile of an export, offline')
    .requiredOption('--export <dir>', 'directory of the export, with records.jsonl, checkpoints/ and tile/')
    .requiredOption('--key <vkey>', "the ledger's verifier key, from elsewhere than the export", parseKey)
    .option('--checkpoint <file>', 'a checkpoint that you hold from elsewhere')
    .option('--json', 'print JSON on a terminal too')
    .addHelpText(
      'after',
      '\nExample:\n  $ sluice audit verify --export ./export --key "$VKEY" --checkpoint last-year.txt',
    )
    .action(verify);
  audit
    .command('proof')
    .description('fetch the receipt of a record, or check one offline')
    .argument('[index]', "the record's number, to fetch it")
    .option('-o, --out <dir>', 'directory to write record and receipt to (default: here)')
    .option('--receipt <file>', 'a receipt to check')
    .option('--record <file>', 'the record that it is for')
    .option('--key <vkey>', "the ledger's verifier key, from elsewhere than the receipt", parseKey)
    .option('--json', 'print JSON, which this command always does')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice audit proof 42\n  $ sluice audit proof --receipt 42.tlog-proof --record 42.json --key "$VKEY"',
    )
    .action(proof);
  audit
    .command('hash')
    .description("print each record's canonical bytes (base64) and recordHash, one JSON object a line")
    .argument('[file]', 'records, one a line; standard input when left out')
    .option('--json', 'print JSON, which this command always does')
    .addHelpText('after', '\nExample:\n  $ sluice audit hash records.jsonl')
    .action(hash);
  registerAuditRedrive(audit);
};
