import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { canonicalJson, canonicalRecord } from '../functions/ledger/canonical.ts';
import type { LedgerHead } from '../functions/ledger/chain.ts';
import { ambiguitiesOf } from '../functions/ledger/json-text.ts';
import { leafHash } from '../functions/ledger/leaf-hash.ts';
import { type ChainVerdict, verifyRecords } from '../functions/ledger/verify-chain.ts';
import { SluiceError } from '../functions/platform/errors.ts';
import { Failure } from './failure.ts';
import { type Line, readLines } from './lines.ts';

const parseHead = (text: string): LedgerHead => {
  const [, size, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (size === undefined || hash === undefined)
    throw new InvalidArgumentError('It is SIZE:HASH, the hash in 64 lower-case hexadecimal digits.');
  return { size: Number(size), hash };
};

/** A line that can't be read is no JSON either, which is what the verifier then says of it. */
async function* textsOf(lines: AsyncIterable<Line>): AsyncGenerator<string> {
  for await (const { text } of lines) yield text ?? '\u{fffd}';
}

/** What a sound chain leaves open; said with every success, so that nobody takes it for more than it is. */
const notProven = (records: number, known: LedgerHead | undefined): string[] => [
  ...(known === undefined
    ? [
        `completeness: records after the export's last one (${records - 1}) may be missing; give --head SIZE:HASH, noted from elsewhere, to prove it`,
        'originality: someone who could write anew every record from some point on would leave a chain just as sound; --head proves this as well',
      ]
    : records > known.size
      ? [
          `completeness and originality of records ${known.size} and later: the head you gave ends before them`,
        ]
      : []),
  'authorship: there is no signed checkpoint in the export',
];

const report = (verdict: ChainVerdict, known: LedgerHead | undefined): object => {
  if (!verdict.ok) return verdict;
  const { records } = verdict;
  return {
    ...verdict,
    checked: [
      `the hash of each of ${records} records`,
      'each link to the record before',
      'numbers from 0 without gap or repetition',
      ...(known === undefined ? [] : [`the hash after ${known.size} records is the one given`]),
    ],
    notProven: notProven(records, known),
  };
};

const sentences = (verdict: ChainVerdict, known: LedgerHead | undefined): string =>
  verdict.ok
    ? [
        `The chain is whole: ${verdict.records} records, head ${verdict.head.size}:${verdict.head.hash}`,
        ...notProven(verdict.records, known).map((text) => `  not proven: ${text}`),
      ].join('\n')
    : `The chain is broken at record ${verdict.seq} (${verdict.fault}): ${verdict.text}`;

const verify = async (options: { export: string; head?: LedgerHead; json?: boolean }): Promise<void> => {
  const file = path.join(options.export, 'records.jsonl');
  if (!existsSync(file))
    throw new Failure(2, `there is no ${file}: give the directory of an export, with records.jsonl in it`);
  const verdict = await verifyRecords(textsOf(readLines(file)), options.head);
  const forPeople = process.stdout.isTTY && options.json !== true;
  console.log(forPeople ? sentences(verdict, options.head) : JSON.stringify(report(verdict, options.head)));
  if (!verdict.ok) process.exitCode = 1;
};

const hashOf = ({ number, text }: Line): { canonical: string; recordHash: string } => {
  const refuse = (reason: string) => new Failure(2, `line ${number}: ${reason}`);
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
    const canonical = isRecord ? canonicalRecord(value as object) : canonicalJson(value);
    return { canonical: Buffer.from(canonical).toString('base64'), recordHash: leafHash(canonical) };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw refuse(error.faults.map((fault) => `${fault.path || 'the value'}: ${fault.message}`).join('; '));
  }
};

const hash = async (file: string | undefined): Promise<void> => {
  if (file !== undefined && !existsSync(file)) throw new Failure(2, `there is no file ${file}`);
  for await (const line of readLines(file)) console.log(JSON.stringify(hashOf(line)));
};

/** `sluice audit …`: everything here works offline, without AWS and without trusting it. */
export const registerAudit = (program: Command): void => {
  const audit = program.command('audit').description('check the audit ledger yourself');
  audit
    .command('verify')
    .description('check every hash, link and number of an exported ledger')
    .requiredOption('--export <dir>', 'directory of the export, with records.jsonl in it')
    .option('--head <size:hash>', 'a size and hash of the ledger that you hold from elsewhere', parseHead)
    .option('--json', 'print JSON on a terminal too')
    .addHelpText('after', '\nExample:\n  $ sluice audit verify --export ./export --json')
    .action(verify);
  audit
    .command('hash')
    .description("print each record's canonical bytes (base64) and recordHash, one JSON object a line")
    .argument('[file]', 'records, one a line; standard input when left out')
    .option('--json', 'print JSON, which this command always does')
    .addHelpText('after', '\nExample:\n  $ sluice audit hash records.jsonl')
    .action(hash);
};
