import { type Command, InvalidArgumentError, Option } from 'commander';
import { controlSchema } from '../functions/ledger/controls.ts';
import { eventTypeSchema } from '../functions/ledger/event-types.ts';
import { isDigest } from '../functions/ledger/personal.ts';
import type { LedgerRecord } from '../functions/ledger/record.ts';
import { CSV_HEADER, csvLine } from '../functions/ledger/record-csv.ts';
import { ocsfEvent } from '../functions/ledger/record-ocsf.ts';
import { auditRoutes } from '../functions/ledger/routes.ts';
import type { ApiClient } from './api-client.ts';
import { connect } from './connect.ts';
import { withExample } from './options.ts';
import { legible, remark, visible } from './output.ts';

type Format = 'text' | 'jsonl' | 'csv' | 'ocsf';

interface Filter {
  readonly service?: string;
  readonly release?: string;
  readonly actor?: string;
  readonly control?: (typeof controlSchema.options)[number];
  readonly type?: (typeof eventTypeSchema.options)[number];
  readonly from?: string;
  readonly to?: string;
}

interface Options extends Filter {
  readonly format?: Format;
  readonly json?: true;
  readonly limit?: number;
}

const PAGE = 256;

/** Records page by page, `limit` of them at most; says on standard error when the newest were not looked through yet. */
async function* found(api: ApiClient, filter: Filter, limit: number): AsyncGenerator<LedgerRecord> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const query = { ...filter, limit: Math.min(PAGE, left), ...(cursor !== undefined && { cursor }) };
    const page = await api.call(auditRoutes.listRecords, { query });
    if (cursor === undefined && page.searchedSize < page.head.size)
      remark(
        `the newest ${page.head.size - page.searchedSize} records are not searched yet: ask again in a moment`,
      );
    for (const { seq, verification } of page.records)
      if (!verification.signed && verification.checkpoint !== undefined)
        remark(`record ${seq} is not what was signed: sluice audit export and verify say what it was`);
    yield* page.records;
    left -= page.records.length;
    cursor = page.next;
  } while (cursor !== undefined && left > 0);
}

const textLine = (record: LedgerRecord): string => {
  const { seq, event, change, actor } = legible(record);
  return [
    event.timestamp,
    seq,
    event.type,
    change.service ?? change.repository ?? '–',
    change.status,
    isDigest(actor.login) ? '(redacted)' : actor.login,
  ]
    .map(String)
    .join('  ')
    .concat('\n');
};

const FORMATS: Readonly<Record<Format, { readonly head: string; lineOf(record: LedgerRecord): string }>> = {
  text: { head: '', lineOf: textLine },
  jsonl: { head: '', lineOf: (record) => `${visible(JSON.stringify(record))}\n` },
  // RFC 4180 ends its lines so, and spreadsheets expect it.
  csv: { head: `${CSV_HEADER}\r\n`, lineOf: (record) => `${visible(csvLine(record))}\r\n` },
  ocsf: { head: '', lineOf: (record) => `${visible(JSON.stringify(ocsfEvent(record)))}\n` },
};

const query = async ({ format, json, limit, ...filter }: Options, command: Command): Promise<void> => {
  const chosen = format ?? (json === true || !process.stdout.isTTY ? 'jsonl' : 'text');
  const { api: _, ...asked } = filter as Filter & { readonly api?: string };
  const { head, lineOf } = FORMATS[chosen];
  process.stdout.write(head);
  for await (const record of found(connect(command), asked, limit ?? Number.POSITIVE_INFINITY))
    process.stdout.write(lineOf(record));
};

const parseLimit = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a number of records.');
  return Number(text);
};

/** `sluice audit query`: what the API finds, for people, for programs, for spreadsheets and for SIEMs. */
export const registerAuditQuery = (audit: Command): void => {
  withExample(
    audit
      .command('query')
      .description('find records of the ledger; all that is given must hold')
      .option('--service <name>', 'about this service')
      .option('--release <id>', 'of this release')
      .option('--actor <login>', 'of what this login did')
      .addOption(
        new Option('--control <id>', 'that are evidence for this control').choices([
          ...controlSchema.options,
        ]),
      )
      .addOption(new Option('--type <type>', 'of this type').choices([...eventTypeSchema.options]))
      .option('--from <time>', 'of what happened from this instant on')
      .option('--to <time>', 'of what happened before this instant')
      .addOption(
        new Option('--format <format>', 'text on a terminal, otherwise jsonl').choices(Object.keys(FORMATS)),
      )
      .option('--limit <records>', 'so many at most', parseLimit)
      .option('--json', 'the same as --format jsonl'),
    'sluice audit query --service payments --control CC8.1 --from 2026-07-01T00:00:00Z --format csv > q3.csv',
    'sluice audit query --release rel_… --json | jq .event.type',
  ).action(query);
};
