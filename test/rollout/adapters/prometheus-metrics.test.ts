import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InvalidRequestError, TransientError } from '#platform/errors.ts';
import type { OutboundRules } from '#policy/outbound-rules.ts';
import { type PrometheusMetrics, prometheusMetricsSchema } from '#policy/prometheus-definition.ts';
import { type PrometheusPorts, prometheusSource } from '#rollout/adapters/prometheus-metrics.ts';
import { CANARY, checkoutTarget, NOW_MS, STABLE } from '../../builders/release.ts';
import { metricSourceContract } from '../metric-source-contract.ts';
import { prometheus, QUERIES } from './prometheus-server.ts';

const LOCAL: OutboundRules = { hosts: ['127.0.0.1:*'], reach: 'local' };
const PERIOD_MS = 10_000;
const arms = { target: checkoutTarget, canary: CANARY, baseline: STABLE };

let listener: RequestListener;
let base: string;
/** One for each test: what an earlier one left on its way ends nowhere. */
let url: string;
let tests = 0;
const server = createServer((request, response) => {
  if (request.url?.startsWith(`/${tests}/`)) listener(request, response);
  else response.writeHead(410).end();
});
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  tests += 1;
  url = `${base}/${tests}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const aDefinition = (overrides: object = {}): PrometheusMetrics =>
  prometheusMetricsSchema.parse({
    source: 'prometheus',
    url,
    queries: QUERIES,
    periodSeconds: 10,
    ...overrides,
  });

const source = (ports: Partial<PrometheusPorts> = {}) =>
  prometheusSource({ rules: LOCAL, tokenFor: async () => undefined, ...ports });

const fixture = () => {
  const { put, answer } = prometheus();
  listener = (request, response) => response.end(JSON.stringify(answer(request)));
  const breakDown = () => {
    listener = (_, response) => response.writeHead(503).end();
  };
  return { source: source(), definition: aDefinition(), arms, put, breakDown };
};

metricSourceContract('Prometheus', fixture);

const readOne = (definition = aDefinition(), ports: Partial<PrometheusPorts> = {}) =>
  source(ports).read(definition, arms, NOW_MS, NOW_MS + PERIOD_MS);

const answering = (body: unknown): void => {
  listener = (_, response) => response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

const matrix = (...result: readonly object[]) => ({
  status: 'success',
  data: { resultType: 'matrix', result },
});
const at = (value: string, seconds = (NOW_MS + PERIOD_MS) / 1_000) => ({
  metric: {},
  values: [[seconds, value]],
});

describe('a Prometheus server', () => {
  it('is asked below the path of its URL, and as whom the stage says', async () => {
    const asked: unknown[] = [];
    listener = ({ url: path, headers }, response) => {
      asked.push([path?.split('?')[0], headers.authorization]);
      response.end(JSON.stringify(matrix()));
    };
    await readOne(aDefinition({ url: `${url}/tenant/` }), { tokenFor: async () => 'sesame' });
    expect(asked).toHaveLength(6);
    for (const one of asked) expect(one).toEqual([`/${tests}/tenant/api/v1/query_range`, 'Bearer sesame']);
  });

  it('is asked for long times in parts, and nothing is lost between them', async () => {
    const { put, definition } = fixture();
    let queries = 0;
    const inner = listener;
    listener = (request, response) => {
      queries += 1;
      return inner(request, response);
    };
    for (const period of [0, 1_999, 2_000, 4_500])
      put(CANARY, NOW_MS + period * PERIOD_MS, { requests: period });
    const read = await source().read(definition, arms, NOW_MS, NOW_MS + 5_000 * PERIOD_MS);
    expect(read.map(({ start }) => (start - NOW_MS) / PERIOD_MS)).toEqual([0, 1_999, 2_000, 4_500]);
    expect(queries).toBe(3 * 6);
  });

  it('needs no histogram', async () => {
    const { put } = fixture();
    put(CANARY, NOW_MS, { requests: 5, errors: 1, slowerThan: { 50: 1 } });
    const { bucket: _, ...queries } = QUERIES;
    expect(await readOne(aDefinition({ queries }))).toEqual([
      { start: NOW_MS, facts: { canary: { requests: 5, errors: 1 } } },
    ]);
  });

  it('counts the goals of experiments, and leaves out one of which it knows but half', async () => {
    const goal = (name: string, range = '$range') => ({
      good: `sum(increase(${name}_good{version="$version"}[${range}]))`,
      total: `sum(increase(${name}_total{version="$version"}[${range}]))`,
    });
    listener = ({ url: asked }, response) => {
      const query = new URL(asked ?? '', base).searchParams.get('query') ?? '';
      const value = { orders_good: '4', orders_total: '70', clicks_good: '9' };
      const [, found] = Object.entries(value).find(([name]) => query.includes(name)) ?? [];
      response.end(JSON.stringify(found === undefined ? matrix() : matrix(at(found))));
    };
    const queries = { ...QUERIES, goals: { orders: goal('orders'), clicks: goal('clicks') } };
    const goals = { orders: { good: 4, total: 70 } };
    expect(await readOne(aDefinition({ queries }))).toEqual([
      { start: NOW_MS, facts: { canary: { goals }, baseline: { goals } } },
    ]);
    expect(() => aDefinition({ queries: { ...QUERIES, goals: { orders: goal('orders', '1m') } } })).toThrow(
      '$range',
    );
    const six = Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [`goal${number}`, goal('orders')]));
    expect(() => aDefinition({ queries: { ...QUERIES, goals: six } })).toThrow('at most 5 goals');
  });

  it('may count in milliseconds', async () => {
    listener = ({ url: asked }, response) => {
      const le = (bound: string, value: string) => ({ ...at(value), metric: { le: bound } });
      const isBucket = asked?.includes('bucket') === true;
      response.end(JSON.stringify(isBucket ? matrix(le('250', '3'), le('+Inf', '4')) : matrix()));
    };
    const [period] = await readOne(aDefinition({ bucketUnit: 'milliseconds' }));
    expect(period?.facts.canary?.slowerThan).toEqual({ 250: 1 });
  });

  it('whose histogram counted fewer requests than were served says of how many it speaks', async () => {
    listener = ({ url: asked }, response) => {
      const le = (bound: string, value: string) => ({ ...at(value), metric: { le: bound } });
      const isBucket = asked?.includes('bucket') === true;
      response.end(JSON.stringify(isBucket ? matrix(le('0.1', '6'), le('+Inf', '8')) : matrix(at('10'))));
    };
    const [period] = await readOne();
    expect(period?.facts.canary).toMatchObject({ requests: 10, slowerThan: { 100: 2 }, slowOf: 8 });
  });
});

describe('what Prometheus does not know', () => {
  it('is missing where it answers NaN', async () => {
    answering(matrix(at('NaN')));
    expect(await readOne(aDefinition({ queries: { ...QUERIES, bucket: undefined } }))).toEqual([]);
  });

  it('is missing where the histogram has no last bucket', async () => {
    listener = ({ url: asked }, response) => {
      const isBucket = asked?.includes('bucket') === true;
      const body = isBucket ? matrix({ ...at('3'), metric: { le: '0.25' } }) : matrix(at('4'));
      response.end(JSON.stringify(body));
    };
    const [period] = await readOne();
    expect(period?.facts.canary).toEqual({ requests: 4, errors: 4 });
  });
});

describe('an answer that is not what was asked for', () => {
  it.each([
    ['an error', { status: 'error', errorType: 'execution', error: 'too many samples' }],
    ['a part of the data, with a warning', { ...matrix(at('1')), warnings: ['store unavailable'] }],
    ['a vector', { status: 'success', data: { resultType: 'vector', result: [] } }],
    ['native histograms', matrix({ metric: {}, histograms: [] })],
    ['no data', { status: 'success' }],
    ['no object', '"success"'],
    ['a page of a proxy', '<html>Sign in</html>'],
    ['nothing', ''],
    ['half', '{"status":"success","data":{"resu'],
    ['several series for a count', matrix(at('1'), { ...at('2'), metric: { pod: 'b' } })],
    ['a negative count', matrix(at('-1'))],
    ['an infinite count', matrix(at('+Inf'))],
    ['a word', matrix(at('many'))],
    ['a number that is no text', matrix({ metric: {}, values: [[NOW_MS / 1_000, 1]] })],
    ['a time before', matrix(at('1', NOW_MS / 1_000))],
    ['a time after', matrix(at('1', (NOW_MS + 2 * PERIOD_MS) / 1_000))],
    ['a time between', matrix(at('1', (NOW_MS + 1.5 * PERIOD_MS) / 1_000))],
    ['buckets with other labels', matrix({ ...at('1'), metric: { le: '0.1', pod: 'a' } })],
  ])('%s is trouble, never silence and never a count', async (_, body) => {
    answering(body);
    await expect(readOne()).rejects.toBeInstanceOf(TransientError);
  });

  it.each([302, 400, 401, 403, 404, 422, 500, 503])('status %s is trouble', async (status) => {
    listener = (_, response) =>
      response
        .writeHead(status, { location: 'http://169.254.169.254/' })
        .end(JSON.stringify(matrix(at('1'))));
    await expect(readOne()).rejects.toThrow(`answered ${status}`);
  });

  it('a packed one is not unpacked', async () => {
    listener = (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000)));
    await expect(readOne()).rejects.toThrow('gzip');
  });

  it('one without end is cut off', async () => {
    listener = (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('['.repeat(100_000)));
      };
      response.on('drain', more);
      more();
    };
    await expect(readOne()).rejects.toThrow('more than 8000000 bytes');
  });
});

describe('a server that this stage may not ask', () => {
  it.each([
    ['is none of its hosts', { hosts: [], reach: 'local' }],
    ['speaks no TLS', { hosts: ['127.0.0.1:*'], reach: 'private' }],
  ] as const)('because it %s gets no question and no token', async (_, rules) => {
    let asked = 0;
    listener = (_, response) => {
      asked += 1;
      response.end();
    };
    await expect(readOne(aDefinition(), { rules })).rejects.toThrow('refused');
    expect(asked).toBe(0);
  });
});

describe('a version that could end the string it stands in', () => {
  it.each(['1"} or vector(0) #', '1`', '1\n', ''])('is refused: %j', async (version) => {
    const read = source().read(aDefinition(), { ...arms, canary: version }, NOW_MS, NOW_MS + PERIOD_MS);
    await expect(read).rejects.toBeInstanceOf(InvalidRequestError);
  });
});

describe('a Prometheus definition', () => {
  it.each([
    ['a query about every version', { queries: { ...QUERIES, requests: 'sum(increase(a[$range]))' } }],
    ['a query about all time', { queries: { ...QUERIES, errors: 'sum(a{version="$version"})' } }],
    ['no count of errors', { queries: { requests: QUERIES.requests } }],
    ['a token', { token: 'sesame' }],
    ['a URL with a query', { url: 'https://prometheus.example.com/?tenant=a' }],
    ['a URL with a password', { url: 'https://a:b@prometheus.example.com' }],
    ['no period', { periodSeconds: 0 }],
  ])('refuses %s', (_, overrides) => {
    const definition = { source: 'prometheus', url: 'https://p.example', queries: QUERIES, ...overrides };
    expect(prometheusMetricsSchema.safeParse(definition).success).toBe(false);
  });
});
