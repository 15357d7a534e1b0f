import { describe, expect, it } from 'vitest';
import { outboundRefusal } from '#policy/outbound-rules.ts';
import { hostPatternSchema, hostPatternsVariable } from '#policy/outbound-schema.ts';
import { probeDefinitionSchema } from '#policy/probe-definition.ts';
import { type StageLimits, stageFaults } from '#policy/stage-limits.ts';
import { albTarget } from '../builders/alb.ts';
import { checkoutTarget } from '../builders/release.ts';
import { aDefinition } from '../builders/service.ts';

const metrics = { source: 'cloudwatch', invokedBy: 'event' } as const;
const limits = (overrides: Partial<StageLimits> = {}): StageLimits => ({
  metricPeriodSecondsMin: 60,
  probes: { hosts: ['api.example.com', '*.shop.example.com'], reach: 'public' },
  prometheus: { hosts: ['prometheus.example.com'], reach: 'public' },
  metricFunctions: ['counts'],
  ownRegion: 'eu-central-1',
  targetRegions: ['eu-west-1'],
  hooks: { hosts: ['hooks.example.com'], reach: 'public' },
  hookFunctions: ['smoke-test'],
  ...overrides,
});
const probing = (probes: { url: string; baselineUrl?: string }) =>
  aDefinition({ environments: { production: { target: checkoutTarget, metrics, probes } } });

describe('what a stage refuses of a definition', () => {
  it('is nothing of one without probes', () => {
    expect(stageFaults(aDefinition(), limits())).toEqual([]);
  });

  it('is nothing where every host is allowed', () => {
    const definition = probing({
      url: 'https://api.example.com/up',
      baselineUrl: 'https://v1.shop.example.com',
    });
    expect(stageFaults(definition, limits())).toEqual([]);
  });

  it('is each URL to another host, by name, with the setting that would allow it', () => {
    const definition = probing({ url: 'https://evil.example', baselineUrl: 'http://api.example.com' });
    expect(stageFaults(definition, limits())).toEqual([
      {
        path: 'environments.production.probes.url',
        message:
          'host evil.example is not one that this stage may call (allowed: api.example.com, *.shop.example.com); whoever runs Sluice names hosts in the setting probeHosts',
      },
      {
        path: 'environments.production.probes.baselineUrl',
        message: 'must be https; whoever runs Sluice names hosts in the setting probeHosts',
      },
    ]);
  });

  it('is every probe while no host is allowed, and says so', () => {
    const [fault] = stageFaults(
      probing({ url: 'https://api.example.com' }),
      limits({ probes: { hosts: [], reach: 'public' } }),
    );
    expect(fault?.message).toMatch(/none is allowed yet.*probeHosts/);
  });

  it('is a metrics server that whoever runs Sluice has not named, and a finer period only of CloudWatch', () => {
    const counted = 'sum(increase(a{version="$version"}[$range]))';
    const asking = (url: string) =>
      aDefinition({
        environments: {
          production: {
            target: checkoutTarget,
            metrics: {
              source: 'prometheus',
              url,
              queries: { requests: counted, errors: counted },
              periodSeconds: 15,
            },
          },
        },
      });
    expect(stageFaults(asking('https://prometheus.example.com/'), limits())).toEqual([]);
    expect(stageFaults(asking('https://api.example.com/'), limits())).toMatchObject([
      {
        path: 'environments.production.metrics.url',
        message: expect.stringContaining('in the setting prometheusHosts'),
      },
    ]);
  });

  it('is a function that whoever runs Sluice has not named', () => {
    const asking = (functionName: string) =>
      aDefinition({
        environments: { staging: { target: checkoutTarget, metrics: { source: 'lambda', functionName } } },
      });
    expect(stageFaults(asking('counts'), limits())).toEqual([]);
    expect(stageFaults(asking('counts2'), limits())).toMatchObject([
      {
        path: 'environments.staging.metrics.functionName',
        message: expect.stringContaining('in the setting metricFunctions'),
      },
    ]);
  });

  it('is a period finer than the source has', () => {
    const coarse = { ...metrics, periodSeconds: 10 };
    const definition = aDefinition({
      environments: { staging: { target: checkoutTarget, metrics: coarse } },
    });
    expect(stageFaults(definition, limits())).toMatchObject([
      { path: 'environments.staging.metrics.periodSeconds' },
    ]);
  });
});

describe('an allowed host', () => {
  const may = (url: string, ...hosts: string[]) =>
    outboundRefusal(url, { hosts: hosts.map((host) => hostPatternSchema.parse(host)), reach: 'public' }) ===
    undefined;

  it.each([
    ['itself', 'https://api.example.com/x?y', 'api.example.com', true],
    ['itself in capitals', 'https://API.Example.COM', 'api.example.com', true],
    ['its default port, spelled out', 'https://api.example.com:443', 'api.example.com', true],
    ['another port', 'https://api.example.com:6379', 'api.example.com', false],
    ['a port that is named', 'https://api.example.com:8443', 'api.example.com:8443', true],
    ['the default port where another is named', 'https://api.example.com', 'api.example.com:8443', false],
    ['any port', 'https://api.example.com:8443', 'api.example.com:*', true],
    ['a subdomain of it', 'https://x.api.example.com', 'api.example.com', false],
    ['a subdomain of a domain', 'https://a.b.example.com', '*.example.com', true],
    ['the domain itself', 'https://example.com', '*.example.com', false],
    ['what only ends like it', 'https://evilexample.com', '*.example.com', false],
    ['what only begins like it', 'https://api.example.com.evil.net', 'api.example.com', false],
    ['a host before an @', 'https://api.example.com@evil.net', 'api.example.com', false],
    ['an address in other digits', 'https://0x7f.1', '127.0.0.1', true],
    ['plain http', 'http://api.example.com', 'api.example.com', false],
  ])('covers %s: %s by %s, %s', (_, url, pattern, expected) => {
    expect(may(url, pattern)).toBe(expected);
  });

  it.each([
    '*',
    '*.',
    '.example.com',
    'https://example.com',
    'a b',
    'Example.com',
    'x:0',
    'x/y',
    'a*.com',
    '',
  ])('is not written %j', (pattern) => {
    expect(hostPatternSchema.safeParse(pattern).success).toBe(false);
  });

  it('comes to functions as a list that is checked again', () => {
    expect(hostPatternsVariable.parse('["a.example"]')).toEqual(['a.example']);
    expect(hostPatternsVariable.safeParse('["*"]').success).toBe(false);
    expect(() => hostPatternsVariable.parse('a.example')).toThrow();
  });
});

describe('a probe definition', () => {
  it('has defaults for all but the URL', () => {
    expect(probeDefinitionSchema.parse({ url: 'https://api.example.com' })).toEqual({
      url: 'https://api.example.com',
      timeoutSeconds: 3,
      attemptsPerLook: 3,
    });
  });

  it.each([
    ['no URL', {}],
    ['a path', { url: '/up' }],
    ['another scheme', { url: 'file:///etc/passwd' }],
    ['credentials', { url: 'https://ann:secret@api.example.com' }],
    ['a user alone', { url: 'https://ann@api.example.com' }],
    ['more than five seconds', { url: 'https://a.example', timeoutSeconds: 6 }],
    ['no attempt', { url: 'https://a.example', attemptsPerLook: 0 }],
    ['a flood', { url: 'https://a.example', attemptsPerLook: 100 }],
    ['a status that is none', { url: 'https://a.example', expectStatus: 20 }],
    ['an unknown setting', { url: 'https://a.example', method: 'POST' }],
  ])('refuses %s', (_, definition) => {
    expect(probeDefinitionSchema.safeParse(definition).success).toBe(false);
  });
});

describe('where targets may be', () => {
  const inRegion = (region: string) =>
    aDefinition({ environments: { production: { target: { ...checkoutTarget, region }, metrics } } });

  it('is the stack’s own region, which goes without saying, and those that the stage names', () => {
    expect(stageFaults(inRegion('eu-west-1'), limits())).toEqual([]);
    expect(stageFaults(inRegion('eu-central-1'), limits())).toMatchObject([
      { path: 'environments.production.target.region', message: expect.stringMatching(/left out/) },
    ]);
    expect(stageFaults(inRegion('us-east-1'), limits())).toMatchObject([
      { path: 'environments.production.target', message: expect.stringMatching(/targetRegions/) },
    ]);
  });

  it('is where its ARN says, of what is named by one', () => {
    const definition = aDefinition({
      environments: { production: { target: albTarget, metrics: { ...metrics, invokedBy: 'http' } } },
    });
    expect(stageFaults(definition, limits())).toEqual([]);
    expect(stageFaults(definition, limits({ ownRegion: 'us-east-1' }))).toMatchObject([
      { path: 'environments.production.target', message: expect.stringMatching(/eu-central-1/) },
    ]);
  });
});

describe('what a stage refuses of a later wave', () => {
  it('is what it refuses of the first: where it is, whom it asks, what it probes', () => {
    const definition = aDefinition({
      environments: {
        production: {
          target: checkoutTarget,
          metrics,
          waves: [
            { name: 'ireland', target: { ...checkoutTarget, region: 'eu-west-1' } },
            {
              name: 'virginia',
              target: { ...checkoutTarget, region: 'us-east-1' },
              metrics: { source: 'lambda', functionName: 'others' },
              probes: { url: 'https://evil.example' },
            },
          ],
        },
      },
    });
    expect(stageFaults(definition, limits()).map(({ path }) => path)).toEqual([
      'environments.production.waves.1.probes.url',
      'environments.production.waves.1.metrics.functionName',
      'environments.production.waves.1.target',
    ]);
  });
});
