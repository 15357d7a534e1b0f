import { describe, expect, it } from 'vitest';
import { releaseRequestedDetailSchema, releaseRequestSchema } from '#releases/release-request.ts';

const request = { service: 'checkout', environment: 'production', version: '42' };

describe('a release request', () => {
  it('needs only service, environment and version', () => {
    expect(releaseRequestSchema.parse(request)).toEqual({ ...request, strategy: 'canary' });
  });

  it.each([
    ['an unknown key', { weight: 5 }],
    ['a service that is no name', { service: 'Checkout' }],
    ['a service with a separator of our keys', { service: 'a#b' }],
    ['an environment with a slash', { environment: 'prod/eu' }],
    ['a version with a space', { version: '4 2' }],
    ['an empty version', { version: '' }],
    ['a first stage that leaves no traffic for the rest', { firstStageWeightPercent: 100 }],
    ['a first stage without traffic', { firstStageWeightPercent: 0 }],
    ['half a percent', { firstStageWeightPercent: 0.5 }],
    ['a strategy that does not exist', { strategy: 'yolo' }],
    ['notes that no ledger can hold', { notes: 'broken \ud800 pair' }],
    ['notes longer than people read', { notes: 'x'.repeat(2_001) }],
  ])('is refused with %s', (_what, overrides) => {
    expect(releaseRequestSchema.safeParse({ ...request, ...overrides }).success).toBe(false);
  });

  it('takes an image digest as a version', () => {
    const version = `registry.example/checkout@sha256:${'a'.repeat(64)}`;
    expect(releaseRequestSchema.safeParse({ ...request, version }).success).toBe(true);
  });

  it('on the bus may name who asked and a key, in a form that fits our own keys', () => {
    const parse = (overrides: object) =>
      releaseRequestedDetailSchema.safeParse({ ...request, ...overrides }).success;
    expect(parse({ requestedBy: 'Jürgen 🚀', idempotencyKey: 'run-17/1' })).toBe(true);
    expect(parse({ requestedBy: 'half \udc00' })).toBe(false);
    expect(parse({ idempotencyKey: 'with space' })).toBe(false);
    expect(parse({ idempotencyKey: '' })).toBe(false);
  });

  it('on the bus takes nothing on that nobody released: an event proves no operator', () => {
    const taking = { ...request, acceptRunningVersions: ['7'] };
    expect(releaseRequestSchema.safeParse(taking).success).toBe(true);
    expect(releaseRequestedDetailSchema.safeParse(taking).success).toBe(false);
  });
});
