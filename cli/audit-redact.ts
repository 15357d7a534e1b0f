import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { REDACTED_AT_ONCE } from '../functions/ledger/redact-records.ts';
import { redactionRoutes } from '../functions/ledger/redaction-routes.ts';
import { auditRoutes } from '../functions/ledger/routes.ts';
import type { ApiClient } from './api-client.ts';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { withExample, withOrder } from './options.ts';
import { answer } from './output.ts';

interface Options {
  readonly actor?: string;
  readonly reason: string;
  readonly key?: string;
  readonly json?: true;
}

const parseNumber = (text: string, before: readonly number[] = []): readonly number[] => {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new InvalidArgumentError("It is a record's number.");
  return [...before, Number(text)];
};

/** The numbers of all that a person did, oldest first. */
const doneBy = async (api: ApiClient, actor: string): Promise<readonly number[]> => {
  const seqs: number[] = [];
  let cursor: string | undefined;
  do {
    const query = { actor, limit: 256, ...(cursor !== undefined && { cursor }) };
    const page: { records: readonly { seq: number }[]; next?: string | undefined } = await api.call(
      auditRoutes.listRecords,
      { query },
    );
    seqs.push(...page.records.map(({ seq }) => seq));
    cursor = page.next;
  } while (cursor !== undefined);
  return seqs;
};

const redact = async (records: readonly number[], options: Options, command: Command): Promise<void> => {
  const { actor, reason, key = randomUUID(), json } = options;
  const api = connect(command);
  const all = [...records, ...(actor === undefined ? [] : await doneBy(api, actor))];
  if (all.length === 0)
    throw new Failure(2, 'there is nothing to redact: give numbers of records, or --actor with what it did');
  const redacted: number[] = [];
  const untouched: number[] = [];
  for (let start = 0; start < all.length; start += REDACTED_AT_ONCE) {
    const body = { records: all.slice(start, start + REDACTED_AT_ONCE), reason };
    const done = await api.call(redactionRoutes.redactRecords, {
      body,
      idempotencyKey: `${key}/${start}`,
    });
    redacted.push(...done.redacted);
    untouched.push(...done.untouched);
  }
  answer(
    { redacted, untouched },
    json,
    () => `redacted ${redacted.length} records; ${untouched.length} had no personal value apart from them`,
  );
};

/** `sluice audit redact …`: personal data goes, every proof stays. */
export const registerAuditRedact = (audit: Command): void => {
  withExample(
    withOrder(
      audit
        .command('redact')
        .description('delete the personal values of records for good; hashes and proofs stay valid')
        .argument('[records...]', 'their numbers', parseNumber, [] as readonly number[])
        .option('--actor <login>', 'and of all that this login did'),
    ),
    'sluice audit redact 4711 4712 --reason "erasure request 17"',
    'sluice audit redact --actor jane --reason "left the company"',
  ).action(redact);
};
