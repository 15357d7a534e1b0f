import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Document } from 'yaml';
import * as z from 'zod';
import { serviceNameSchema } from '../functions/platform/ids.ts';
import { serviceRoutes } from '../functions/policy/routes.ts';
import type { RegisteredService } from '../functions/policy/service-definition.ts';
import type { ApiClient, RouteOutput } from './api-client.ts';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { checked } from './input.ts';
import { withExample, withJson } from './options.ts';
import { answer, remark, table, visible } from './output.ts';
import { readText } from './read-text.ts';

/** A service's file: its definition as the API takes it, and its name. What is in the definition is the API's to check. */
const serviceFileSchema = z.looseObject({ service: serviceNameSchema });

const parseFile = async (file: string): Promise<z.infer<typeof serviceFileSchema>[]> => {
  const { parseAllDocuments } = await import('yaml');
  // YAML 1.2 has JSON in it, and unlike JSON.parse it refuses a key that stands twice.
  const documents = parseAllDocuments(file === '-' ? readFileSync(0, 'utf8') : readText(file));
  if (documents.length === 0) throw new Failure(2, `${file} is empty`);
  return [...documents].map((document) => {
    const [error] = document.errors;
    // Its first line says what and where; the rest shows the place.
    if (error !== undefined) throw new Failure(2, `${file}: ${error.message.split(':\n')[0]}`);
    return checked(serviceFileSchema, contentOf(document, file), file);
  });
};

/** An alias of nothing is found only here: `*.example.com` without quotes is one. */
const contentOf = (document: Document, file: string): unknown => {
  try {
    return document.toJS();
  } catch (error) {
    throw new Failure(2, `${file}: ${(error as Error).message}`);
  }
};

const brief = ({ service, revision, updatedBy, updatedAt, definition }: RegisteredService): string[] => [
  service,
  Object.keys(definition.environments).join(', '),
  definition.owner ?? '–',
  String(revision),
  `${updatedAt.slice(0, 16).replace('T', ' ')} by ${updatedBy}`,
];

interface Options {
  readonly json?: true;
  readonly file: string;
}

const apply = async ({ file, json }: Options, command: Command): Promise<void> => {
  const api = connect(command);
  const applied: RouteOutput<typeof serviceRoutes.putService>[] = [];
  for (const { service, ...definition } of await parseFile(file)) {
    const body = definition as Parameters<typeof api.call<typeof serviceRoutes.putService>>[1]['body'];
    applied.push(await api.call(serviceRoutes.putService, { params: { service }, body }));
  }
  for (const { service, warnings = [] } of applied)
    for (const warning of warnings) remark(`${service}: ${warning}`);
  answer(applied, json, (services) =>
    services
      .map(
        ({ service, revision, definition }) =>
          `${service}: revision ${revision}, for ${Object.keys(definition.environments).join(', ')}`,
      )
      .join('\n'),
  );
};

const get = async (service: string, { json }: Options, command: Command): Promise<void> => {
  const found = await connect(command).call(serviceRoutes.getService, { params: { service } });
  const { stringify } = await import('yaml');
  const file = { service: found.service, ...found.definition };
  // In the form that `apply` takes: YAML, or JSON if there is in it what a terminal should not see unescaped.
  const yaml = stringify(file).trimEnd();
  answer(found, json, () => (visible(yaml) === yaml ? yaml : visible(JSON.stringify(file, null, 2))));
};

/** Every registered service, page by page. */
export const allServices = async (api: ApiClient): Promise<readonly RegisteredService[]> => {
  const services: RegisteredService[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.call(serviceRoutes.listServices, {
      query: { limit: 100, ...(cursor !== undefined && { cursor }) },
    });
    services.push(...page.services);
    cursor = page.next;
  } while (cursor !== undefined);
  return services;
};

const list = async ({ json }: Options, command: Command): Promise<void> => {
  const services = await allServices(connect(command));
  answer(services, json, (shown) =>
    shown.length === 0
      ? 'No service is registered yet: sluice service apply -f service.yaml'
      : table(['SERVICE', 'ENVIRONMENTS', 'OWNER', 'REVISION', 'CHANGED'], shown.map(brief)),
  );
};

/** `sluice service apply | get | list`. */
export const registerService = (program: Command): void => {
  const service = program.command('service').description('what is released, and how');
  withExample(
    withJson(service.command('apply').description('register services, or change their definitions'))
      .requiredOption(
        '-f, --file <file>',
        'YAML or JSON: the definition, with `service` for its name; - for standard input',
      )
      .action(apply),
    'sluice service apply -f payments.yaml',
  );
  withExample(
    withJson(service.command('get').description('one service, in the form that apply takes'))
      .argument('<service>')
      .action(get),
    'sluice service get payments > payments.yaml',
  );
  withExample(
    withJson(service.command('list').description('every registered service')).action(list),
    'sluice service list --json',
  );
};
