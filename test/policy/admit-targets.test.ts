import { describe, expect, it } from 'vitest';
import { PolicyDeniedError } from '#platform/errors.ts';
import { admitTargets } from '#policy/admit-targets.ts';
import type { ServiceDefinition } from '#policy/service-definition.ts';
import type { Ownership, TargetOwners } from '#policy/target-ownership.ts';
import { aDefinition } from '../builders/service.ts';

const inStack = { stack: 'checkout-prod', logicalId: 'LiveAlias' };
const managed: Ownership = { kind: 'managed', ...inStack, attribute: 'FunctionVersion' };

const definition = aDefinition();
const { production = expect.fail('no production') } = definition.environments;

/** One environment, with a second wave at alias `edge`. */
const inWaves: ServiceDefinition = {
  environments: {
    production: {
      ...production,
      waves: [
        {
          name: 'edge',
          target: { kind: 'lambda-alias', functionName: 'checkout', alias: 'edge' },
          bakeSeconds: 0,
        },
      ],
    },
  },
};

const ownersOf = (byAlias: Readonly<Record<string, Ownership>>): TargetOwners => ({
  ownershipOf: async (targets) =>
    targets.map((target) => ('alias' in target && byAlias[target.alias]) || { kind: 'unmanaged' }),
});

describe('targets of a registration', () => {
  it('are refused when deployments of a stack move one, in whichever wave, with the way out', async () => {
    const admitted = admitTargets(ownersOf({ edge: managed }), inWaves, undefined);
    await expect(admitted).rejects.toBeInstanceOf(PolicyDeniedError);
    await expect(admitted).rejects.toMatchObject({
      faults: [
        {
          path: 'environments.production.waves.0.target',
          message: expect.stringMatching(
            /resource LiveAlias of CloudFormation stack checkout-prod.*its FunctionVersion.*fixed FunctionVersion/s,
          ),
        },
      ],
    });
  });

  it('that the service had before stay with a warning: nothing else of it must wait for a stack', async () => {
    const owners = ownersOf({ edge: managed });
    expect(await admitTargets(owners, inWaves, inWaves)).toEqual([
      expect.stringMatching(/^environments\.production\.waves\.0\.target: .*LiveAlias/),
    ]);
    await expect(admitTargets(owners, inWaves, definition)).rejects.toBeInstanceOf(PolicyDeniedError);
  });

  it('are taken when a stack states fixed values, and when no stack has them', async () => {
    expect(
      await admitTargets(ownersOf({ edge: { kind: 'pinned', ...inStack } }), inWaves, undefined),
    ).toEqual([]);
  });

  it('are taken with a warning when it can’t be found out: CloudFormation keeps nobody from registering', async () => {
    const text = 'nobody answered';
    expect(await admitTargets(ownersOf({ edge: { kind: 'unknown', text } }), inWaves, undefined)).toEqual([
      expect.stringMatching(/^environments\.production\.waves\.0\.target: .*not known: nobody answered$/),
    ]);
  });
});
