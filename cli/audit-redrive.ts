import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { REDRIVE_RECORDS_MAX, redriveRoutes } from '../functions/ledger/redrive-routes.ts';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { withExample, withOrder } from './options.ts';
import { answer } from './output.ts';

interface Options {
  readonly reason: string;
  readonly key?: string;
  readonly json?: true;
}

const recordNumber = (text: string): number => {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new InvalidArgumentError("It is a record's number.");
  return Number(text);
};

/** As many calls as it takes, each with a key of its own, so that the whole of it can be repeated. */
const redrive = async (
  first: number,
  last: number = first,
  { reason, key = randomUUID(), json }: Options,
  command: Command,
): Promise<void> => {
  if (last < first) throw new Failure(2, 'the last record must not be below the first');
  const api = connect(command);
  let events = 0;
  for (let from = first; from <= last; from += REDRIVE_RECORDS_MAX) {
    const to = Math.min(last, from + REDRIVE_RECORDS_MAX - 1);
    const sent = await api.call(redriveRoutes.redriveEvents, {
      body: { first: from, last: to, reason },
      idempotencyKey: `${key}/${from}`,
    });
    events += sent.events;
  }
  answer({ first, last, events, key }, json, () =>
    events === 1
      ? `the event of record ${first} is on the bus again`
      : `the events of records ${first} to ${last} are on the bus again`,
  );
};

/** `sluice audit redrive`: events that somebody on the bus lost, once more from the ledger. */
export const registerAuditRedrive = (audit: Command): void => {
  withExample(
    withOrder(
      audit
        .command('redrive')
        .description('put the events of records on the bus again, for consumers that lost them')
        .argument('<first>', "the first record's number", recordNumber)
        .argument('[last]', "the last one's, when there are several", recordNumber),
    ),
    'sluice audit redrive 4711 --reason "the notifier was down"',
    'sluice audit redrive 4000 7999 --reason "no events from 10:00 to 11:00" --key outage-0901',
  ).action(redrive);
};
