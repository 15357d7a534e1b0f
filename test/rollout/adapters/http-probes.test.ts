import { describe, expect, it } from 'vitest';
import type { OutboundRules } from '#policy/outbound-rules.ts';
import { probeDefinitionSchema } from '#policy/probe-definition.ts';
import { httpProbes } from '#rollout/adapters/http-probes.ts';
import { nobody, serve } from './hostile-server.ts';

const LOCAL: OutboundRules = { hosts: ['127.0.0.1:*'], reach: 'local' };
const probe = (definition: object, rules = LOCAL) =>
  httpProbes(rules)(probeDefinitionSchema.parse(definition));

const answering = (...statuses: readonly number[]): Promise<string> => {
  let asked = 0;
  return serve((_, response) => {
    const status = statuses[Math.min(asked++, statuses.length - 1)] ?? 200;
    response.writeHead(status, { location: 'http://169.254.169.254/' }).end();
  });
};

describe('the probes of one look', () => {
  it('count what answers well', async () => {
    const { counts, troubles } = await probe({ url: await answering(204) });
    expect(counts).toEqual({ probes: { attempts: 3, successes: 3 } });
    expect(troubles).toEqual([]);
  });

  it('count each answer by itself, and name each trouble once', async () => {
    const { counts, troubles } = await probe({ url: await answering(200, 503), attemptsPerLook: 4 });
    expect(counts).toEqual({ probes: { attempts: 4, successes: 1 } });
    expect(troubles).toEqual(['status 503']);
  });

  it('count the stable version beside it', async () => {
    const { counts } = await probe({ url: await answering(500), baselineUrl: await answering(200) });
    expect(counts).toEqual({
      probes: { attempts: 3, successes: 0 },
      baselineProbes: { attempts: 3, successes: 3 },
    });
  });

  it.each([
    [401, 401, 3],
    [401, 200, 0],
    [302, 302, 3],
  ])('expect the status that is declared: %s, answered %s', async (expectStatus, status, successes) => {
    const { counts } = await probe({ url: await answering(status), expectStatus });
    expect(counts.probes).toEqual({ attempts: 3, successes });
  });

  it('take a redirect for no success, unless it is what is expected', async () => {
    expect((await probe({ url: await answering(301) })).counts.probes?.successes).toBe(0);
  });

  it('fail where nobody answers', async () => {
    const { counts, troubles } = await probe({ url: await nobody() });
    expect(counts).toEqual({ probes: { attempts: 3, successes: 0 } });
    expect(troubles).toEqual(['failed: ECONNREFUSED']);
  });

  it('take together no longer than one may', async () => {
    const began = performance.now();
    const slow = await serve(() => {});
    const { counts } = await probe({
      url: slow,
      baselineUrl: slow,
      timeoutSeconds: 0.2,
      attemptsPerLook: 10,
    });
    expect(counts.probes).toEqual({ attempts: 10, successes: 0 });
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  it('that may not be made count neither way: a version is not judged by what nobody asked it', async () => {
    const url = await answering(200);
    const { counts, troubles } = await probe({ url }, { hosts: [], reach: 'local' });
    expect(counts).toEqual({});
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(/^refused: host 127\.0\.0\.1:\d+ is not one/);
  });
});
