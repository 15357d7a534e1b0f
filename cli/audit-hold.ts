import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { controlSchema } from '../functions/ledger/controls.ts';
import { eventTypeSchema } from '../functions/ledger/event-types.ts';
import { holdRoutes } from '../functions/ledger/hold-routes.ts';
import {
  type HoldFilter,
  holdFilterSchema,
  holdIdSchema,
  type LegalHold,
} from '../functions/ledger/legal-hold.ts';
import { connect } from './connect.ts';
import { checked } from './input.ts';
import { withExample, withJson, withOrder } from './options.ts';
import { answer, table } from './output.ts';

interface Order {
  readonly reason: string;
  readonly key?: string;
  readonly json?: true;
}

const filterText = (filter: HoldFilter): string =>
  Object.entries(filter)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

const told = ({ holdId, filter, by, lifted }: LegalHold): string =>
  lifted === undefined
    ? `${holdId} by ${by.login} keeps the records of: ${filterText(filter)}`
    : `${holdId} was lifted by ${lifted.by.login}: ${lifted.reason}`;

const put = async (options: Order & HoldFilter, command: Command): Promise<void> => {
  const { reason, key: idempotencyKey = randomUUID(), json, ...rest } = options;
  const { api: _, ...wanted } = rest as HoldFilter & { readonly api?: string };
  const filter = checked(holdFilterSchema, wanted, 'the hold');
  const hold = await connect(command).call(holdRoutes.putHold, { body: { filter, reason }, idempotencyKey });
  answer(hold, json, () => told(hold));
};

const lift = async (holdId: string, options: Order, command: Command): Promise<void> => {
  const { reason, key: idempotencyKey = randomUUID(), json } = options;
  const params = { holdId: checked(holdIdSchema, holdId, 'the hold') };
  const hold = await connect(command).call(holdRoutes.liftHold, { params, body: { reason }, idempotencyKey });
  answer(hold, json, () => told(hold));
};

const list = async ({ json }: Pick<Order, 'json'>, command: Command): Promise<void> => {
  const { holds } = await connect(command).call(holdRoutes.listHolds, {});
  answer(holds, json, () =>
    holds.length === 0
      ? 'there are no legal holds'
      : table(
          ['HOLD', 'SINCE', 'BY', 'RECORDS', 'LIFTED'],
          holds.map((hold) => [
            hold.holdId,
            hold.at,
            hold.by.login,
            filterText(hold.filter),
            hold.lifted?.at ?? '',
          ]),
        ),
  );
};

/** `sluice audit hold …`: what must be kept whatever its age. */
export const registerAuditHold = (audit: Command): void => {
  const hold = audit.command('hold').description('keep records where they are: legal holds');
  withExample(
    withOrder(
      hold
        .command('put')
        .description('put a hold on records, those to come included; all that is given must hold'),
    )
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
      .option('--to <time>', 'of what happened before this instant'),
    'sluice audit hold put --service payments --from 2026-01-01T00:00:00Z --reason "case 4711"',
  ).action(put);
  withExample(
    withJson(hold.command('list').description('the holds, lifted ones included')),
    'sluice audit hold list',
  ).action(list);
  withExample(
    withOrder(hold.command('lift').description('lift a hold').argument('<hold>', 'its id')),
    'sluice audit hold lift hold_… --reason "settled"',
  ).action(lift);
};
