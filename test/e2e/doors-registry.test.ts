import { beforeAll, describe, expect, it } from 'vitest';
import { serviceRoutes } from '../../functions/policy/routes.ts';
import { faultPaths, send } from './doors/raw-request.ts';
import { environment, newName, register } from './doors/services.ts';
import { operator, tokenOf } from './harness.ts';

let token: string;
beforeAll(async () => {
  token = await tokenOf('olive');
});

describe('registering a service', () => {
  const put = (definition: object) =>
    send({
      method: 'PUT',
      path: `/v1/services/${newName('refused')}`,
      token,
      body: JSON.stringify(definition),
    });
  const production = (settings: object) => ({
    environments: { production: { ...environment(), ...settings } },
  });
  const stage = (weightPercent: number) => ({ weightPercent, rounds: 1, roundSeconds: 60 });

  it.each<[string, object, string]>([
    [
      'behind HTTP in production, without a count of its 5xx answers, which would pass for successes',
      { metrics: { source: 'cloudwatch', invokedBy: 'http' } },
      'metrics.serverErrors',
    ],
    [
      'with a plan that falls, which would take traffic away in the middle of a rollout',
      { plan: { stages: [stage(50), stage(40), stage(100)] } },
      'plan.stages.1.weightPercent',
    ],
    [
      'with a plan that stands still',
      { plan: { stages: [stage(50), stage(50), stage(100)] } },
      'plan.stages.1.weightPercent',
    ],
    [
      'with a plan that never gives all traffic, and so never verifies at full load',
      { plan: { stages: [stage(5), stage(50)] } },
      'plan.stages.1.weightPercent',
    ],
    ['with a plan that nobody knows', { plan: 'yolo' }, 'plan'],
    ['with a target that Sluice has no shifter for', { target: { kind: 'dns' } }, 'target.kind'],
    [
      'with a period that CloudWatch has not',
      { metrics: { ...environment().metrics, periodSeconds: 45 } },
      'metrics.periodSeconds',
    ],
  ])('is refused, naming the field: %s', async (_, settings, at) => {
    expect(faultPaths(await put(production(settings)))).toContain(`environments.production.${at}`);
  });

  it('is refused without an environment, and with one that is no name', async () => {
    expect(faultPaths(await put({ environments: {} }))).toContain('environments');
    expect(faultPaths(await put({ environments: { 'NO NAME': environment() } }))).toContain(
      'environments.NO NAME',
    );
  });

  it('again as it is changes nothing, whatever came before and however it is written', async () => {
    const name = newName('again');
    const [first, second] = [
      { environments: { one: environment() } },
      { environments: { two: environment() } },
    ];
    expect((await register(name, first)).revision).toBe(1);
    const changed = await register(name, second);
    expect(changed.revision).toBe(2);
    expect(await register(name, second)).toEqual(changed);
    expect(await register(name, changed.definition)).toEqual(changed);
    expect((await register(name, first)).revision).toBe(3);
  });

  it('by many at once is one of them for each revision; the others are told, and may try again', async () => {
    const name = newName('many');
    const definitions = Array.from({ length: 8 }, (_, n) => ({ environments: { [`e${n}`]: environment() } }));
    const answers = await Promise.allSettled(definitions.map((definition) => register(name, definition)));
    const won = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const lost = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(won.map(({ revision }) => revision).toSorted()).toEqual(won.map((_, index) => index + 1));
    expect(won.length).toBeGreaterThan(0);
    for (const reason of lost) expect(reason).toMatchObject({ problem: { status: 409 } });
    const stored = await operator.call(serviceRoutes.getService, { params: { service: name } });
    expect(won).toContainEqual(stored);
    expect(stored.revision).toBe(won.length);
  });
});
