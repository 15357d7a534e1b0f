import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { exportLedger } from '../../cli/export-ledger.ts';
import { timelineOf } from '../../cli/timeline.ts';
import { openApiDocument } from '../../functions/api/openapi.ts';
import { ALL_ROUTES, apiRoutes, sliceHealthSchema } from '../../functions/api/routes.ts';
import { proofRoutes } from '../../functions/ledger/proof-routes.ts';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import { auditRoutes } from '../../functions/ledger/routes.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import type { Route } from '../../functions/platform/route.ts';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { releaseRoutes } from '../../functions/releases/routes.ts';
import { repositoryRoot } from '../../local/paths.ts';
import { sealNow } from '../../local/verify-ledger.ts';
import { send } from './doors/raw-request.ts';
import { pathOf, ROWS } from './doors/rows.ts';
import { environment, newName, register } from './doors/services.ts';
import { ended, operator, tokenOf, world } from './harness.ts';

const service = newName('doors');

const ENVIRONMENTS = ['one', 'two', 'three', 'four', 'five'];
/** One release in each environment, refused before anything moves, because there is no such function. */
let releaseIds: readonly ReleaseId[];
let token: string;

beforeAll(async () => {
  token = await tokenOf('olive');
  await register(service, {
    environments: Object.fromEntries(ENVIRONMENTS.map((name) => [name, environment()])),
  });
  releaseIds = await Promise.all(
    ENVIRONMENTS.map(async (name) => {
      const body = { service, environment: name, version: '1' };
      const release = await operator.call(releaseRoutes.requestRelease, {
        body,
        idempotencyKey: randomUUID(),
      });
      return release.releaseId;
    }),
  );
  await Promise.all(releaseIds.map((releaseId) => ended(releaseId)));
});

describe('a request for a release', () => {
  it.each(['Idempotency-Key', 'idempotency-key', 'IDEMPOTENCY-KEY'])(
    'has one effect for one %s',
    async (header) => {
      const ask = async (name: string, key: string) => {
        const body = JSON.stringify({ service, environment: 'one', version: '1' });
        return send({ method: 'POST', path: '/v1/releases', token, headers: { [name]: key }, body });
      };
      const key = randomUUID();
      const [first, second] = [await ask(header, key), await ask('Idempotency-Key', key)];
      expect([first.status, second.status]).toEqual([202, 202]);
      const ids = [first, second].map(({ json }) => (json as { releaseId: ReleaseId }).releaseId);
      expect(ids[0]).toBe(ids[1]);
      if (ids[0] !== undefined) await ended(ids[0]);
    },
  );
});

describe('what the API tells of itself', () => {
  it('is the health of each slice', async () => {
    const { status, slices } = await operator.call(apiRoutes.getHealth, {});
    expect(slices.map(({ slice }) => slice).toSorted()).toEqual(
      sliceHealthSchema.shape.slice.options.toSorted(),
    );
    expect(slices.filter((slice) => slice.status !== 'ok')).toEqual([]);
    expect(status).toBe('ok');
  });

  it('is the document of exactly the routes that it has', async () => {
    const document = await operator.call(apiRoutes.getOpenApi, {});
    const signIn = { url: '', clientId: world.pool.clientId };
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument(ALL_ROUTES, signIn))));
  });

  /** As documented, not as coded: the schema is the one that a client reads. */
  const documented = async (route: Route) => {
    const document = await operator.call(apiRoutes.getOpenApi, {});
    const paths = document.paths as Record<string, Record<string, { responses: Record<string, unknown> }>>;
    const { 200: ok } = paths[route.path]?.get?.responses ?? {};
    const { schema } =
      (ok as { content: Record<string, { schema: object }> }).content['application/json'] ?? {};
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  };

  /** The size of a checkpoint that there is. */
  const firstCheckpoint = async (): Promise<string> => {
    await sealNow(world.endpoint);
    const { checkpoints } = await operator.call(proofRoutes.listCheckpoints, { query: { limit: 1 } });
    return String(checkpoints[0]?.size);
  };

  it.each(ROWS.filter(({ route }) => route.method === 'GET'))(
    'holds of a real answer: $key',
    async ({ route }) => {
      const values = {
        service,
        environment: 'one',
        releaseId: releaseIds[0] ?? '',
        level: '0',
        index: '0',
        size: await firstCheckpoint(),
      };
      const answer = await send({ method: 'GET', path: pathOf(route, values), token });
      expect(answer.status).toBe(200);
      const schema = await documented(route);
      expect(schema.safeParse(answer.json).error?.issues).toBeUndefined();
      // A schema that anything fits would prove nothing.
      if (route !== apiRoutes.getOpenApi)
        expect(schema.safeParse({ ...Object(answer.json), more: 1 }).success).toBe(false);
    },
  );
});

describe('a list, read page by page to its end', () => {
  /** Every page's items, each page no longer than asked for. */
  const readAll = async <T>(
    ask: (
      cursor: string | undefined,
    ) => Promise<{ readonly items: readonly T[]; readonly next?: string | undefined }>,
  ): Promise<readonly T[]> => {
    const all: T[] = [];
    let cursor: string | undefined;
    do {
      const { items, next } = await ask(cursor);
      expect(items.length).toBeLessThanOrEqual(2);
      all.push(...items);
      cursor = next;
    } while (cursor !== undefined);
    return all;
  };
  const page = (cursor: string | undefined) => ({ limit: 2, ...(cursor !== undefined && { cursor }) });

  it('has each release once, newest first', async () => {
    const all = await readAll(async (cursor) => {
      const { releases, next } = await operator.call(releaseRoutes.listReleases, {
        query: { service, ...page(cursor) },
      });
      return { items: releases, next };
    });
    const ids = all.map(({ releaseId }) => releaseId);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining([...releaseIds]));
  });

  it('has each service once', async () => {
    const others = Array.from({ length: 4 }, () => newName('listed'));
    await Promise.all(others.map((name) => register(name, { environments: { one: environment() } })));
    const all = await readAll(async (cursor) => {
      const { services, next } = await operator.call(serviceRoutes.listServices, { query: page(cursor) });
      return { items: services, next };
    });
    const names = all.map((found) => found.service);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining([service, ...others]));
  });

  it("has each of a release's records once, oldest first, on its timeline and in the audit", async () => {
    const [releaseId] = releaseIds;
    if (releaseId === undefined) return;
    const whole = await timelineOf(operator, releaseId);
    expect(whole.length).toBeGreaterThan(2);
    const timeline = await readAll(async (cursor) => {
      const sent = { params: { releaseId }, query: page(cursor) };
      const { records, next } = await operator.call(releaseRoutes.getTimeline, sent);
      return { items: records, next };
    });
    const audit = await readAll(async (cursor) => {
      const query = { release: releaseId, ...page(cursor) };
      const { records, next } = await operator.call(auditRoutes.listRecords, { query });
      return { items: records.map(({ verification: _, ...stored }) => stored), next };
    });
    expect(timeline).toEqual(whole);
    expect(audit).toEqual(whole);
  });
});

describe('npx sluice audit, over an export of this run', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'sluice-doors-'));
  const file = path.join(directory, 'records.jsonl');
  const COMMAND = ['--no-install', 'sluice', 'audit'];
  afterAll(() => rmSync(directory, { recursive: true }));
  let lines: readonly string[] = [];
  let key = '';
  beforeAll(async () => {
    await sealNow(world.endpoint);
    ({ key } = await exportLedger(operator, directory));
    lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  });

  const sluice = (...args: readonly string[]) => {
    const PATH = [path.dirname(process.execPath), process.env.PATH].join(path.delimiter);
    const { status, stdout, stderr } = spawnSync('npx', [...COMMAND, ...args], {
      cwd: repositoryRoot,
      env: { ...process.env, PATH },
      encoding: 'utf8',
      maxBuffer: 64 * 1_024 * 1_024,
    });
    const answers = stdout.split('\n').filter((line) => line.startsWith('{'));
    return { status, stderr, answers: answers.map((line) => JSON.parse(line)) };
  };

  it('hash finds the hash that stands on each record', () => {
    const { status, answers } = sluice('hash', file);
    expect(status).toBe(0);
    const hashes = lines.map((line) => (JSON.parse(line) as LedgerRecord).recordHash);
    expect(answers.map(({ recordHash }) => recordHash)).toEqual(hashes);
  });

  it('verify finds it whole', () => {
    const { status, answers } = sluice('verify', '--export', directory, '--key', key, '--json');
    expect(answers).toMatchObject([{ ok: true, records: lines.length }]);
    expect(status).toBe(0);
  });

  it('verify finds the one character that was changed, and in which record', () => {
    const seq = Math.floor(lines.length / 2);
    const edited = lines.map((line, index) =>
      index === seq ? line.replace('"version":"1.0"', '"version":"1.1"') : line,
    );
    writeFileSync(file, `${edited.join('\n')}\n`);
    const { status, answers } = sluice('verify', '--export', directory, '--key', key, '--json');
    expect(answers).toMatchObject([{ ok: false, fault: 'edited', seq }]);
    expect(status).toBe(1);
  });
});
