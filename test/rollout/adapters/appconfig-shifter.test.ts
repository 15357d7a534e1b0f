import {
  BadRequestException,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  ListDeploymentsCommand,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import { appConfigShifter } from '#rollout/adapters/appconfig-shifter.ts';
import { isAlone, isAt, shareOf } from '#rollout/routing.ts';
import { flagDocument, flagTarget } from '../../builders/appconfig.ts';
import { appConfigControlPlane } from '../../fakes/appconfig-control-plane.ts';
import { trafficShifterContract } from '../traffic-shifter-contract.ts';

const NEVER = '(split by::$userId pct::0)';
const at = (name: string, percent: number) => [name, `(split by::$userId pct::${percent})`] as const;
const onOld = flagDocument(['new', NEVER], ['next', NEVER], ['old']);
const canary = { stable: 'old', canary: 'new', weightPercent: 25 };

const over = (options: Partial<Parameters<typeof appConfigControlPlane>[0]> = {}) => {
  const plane = appConfigControlPlane({ target: flagTarget, document: onOld, ...options });
  return { ...plane, shifter: appConfigShifter(plane.client, async () => undefined) };
};

trafficShifterContract('AppConfig feature flag', () => {
  const { shifter, deploy } = over();
  return {
    shifter,
    target: flagTarget,
    drift: () => deploy(flagDocument(['new', NEVER], ['old', NEVER], ['next'])),
    missingTarget: { ...flagTarget, environmentId: 'zzz9999' },
    stable: 'old',
    canary: 'new',
    other: 'next',
    missing: 'newest',
  };
});

describe('a flag’s split', () => {
  it('is what callers have when they poll next, as soon as it was set', async () => {
    const { shifter, served } = over();
    const { revision } = await shifter.readRouting(flagTarget);
    await shifter.setWeight(flagTarget, canary, revision);
    expect(served()).toMatchObject({
      flags: onOld.flags,
      values: {
        other: { enabled: true },
        checkout: {
          _variants: [
            { name: 'new', rule: '(split by::$userId pct::25 seed::"checkout")' },
            { name: 'next' },
            { name: 'old', enabled: false },
          ],
        },
      },
    });
  });

  it('is set by one deployment on the condition of the one that was read, by the strategy that the target names', async () => {
    const { shifter, mock } = over();
    const { revision } = await shifter.readRouting(flagTarget);
    await shifter.setWeight(flagTarget, canary, revision);
    const inputs = mock.commandCalls(StartDeploymentCommand).map(({ args: [{ input }] }) => input);
    expect(inputs).toMatchObject([
      { LatestDeploymentNumber: 1, DeploymentStrategyId: 'jkl3456', ConfigurationVersion: '2' },
    ]);
  });

  it('is not overwritten by a shift that was read before a restore, however late its deployment arrives', async () => {
    const { shifter, client, mock, served } = over();
    const { revision } = await shifter.readRouting(flagTarget);
    await shifter.setWeight(flagTarget, canary, revision);
    const [late] = mock.commandCalls(StartDeploymentCommand);
    await shifter.restore(flagTarget, 'old');
    const restored = served();
    await expect(client.send(new StartDeploymentCommand(late?.args[0].input as never))).rejects.toThrow(
      'not the latest',
    );
    expect(served()).toEqual(restored);
  });

  it('keeps what somebody saved and did not deploy out of what callers get', async () => {
    const { shifter, save, served } = over();
    save(flagDocument(['draft', NEVER], ['old']));
    await shifter.restore(flagTarget, 'old');
    expect(JSON.stringify(served())).not.toContain('draft');
  });

  it('is read from the newest deployment that was not taken back, of its own profile', async () => {
    const { shifter, deploy } = over();
    deploy(flagDocument(at('new', 50), ['old']), { state: 'ROLLED_BACK' });
    deploy(flagDocument(at('new', 50), ['old']), { profileId: 'xxx0000' });
    const routing = await shifter.readRouting(flagTarget);
    expect(isAlone(routing, 'old')).toBe(true);
    expect(routing.revision).toBe('3');
  });

  it('is not where it was left once somebody else wrote a rule that is no split, until a restore', async () => {
    const { shifter, deploy } = over();
    deploy(flagDocument(['new', '(eq $country "DE")'], ['next', NEVER], ['old']));
    const routing = await shifter.readRouting(flagTarget);
    expect(isAlone(routing, 'old')).toBe(false);
    expect(shareOf(routing, 'old')).toBe(0);
    await shifter.restore(flagTarget, 'old');
    expect(isAlone(await shifter.readRouting(flagTarget), 'old')).toBe(true);
  });

  it('is never made of a variant that is not there', async () => {
    const { shifter, mock } = over();
    await expect(shifter.restore(flagTarget, 'older')).rejects.toBeInstanceOf(NotFoundError);
    expect(mock.commandCalls(CreateHostedConfigurationVersionCommand)).toEqual([]);
  });
});

describe('while another deployment of the environment is under way', () => {
  const busy = (state: 'DEPLOYING' | 'BAKING' | 'ROLLING_BACK' = 'DEPLOYING') => {
    const fixture = over();
    fixture.start(fixture.save(flagDocument(at('new', 60), ['next', NEVER], ['old'])), {
      state,
      looksLeft: 99,
    });
    return fixture;
  };

  it('a release does not begin, a shift waits, and both say what for', async () => {
    const { shifter } = busy();
    expect(await shifter.inspect(flagTarget, 'new')).toMatchObject({
      code: 'deployment-under-way',
      text: expect.stringMatching(/deployment 2 .*DEPLOYING/),
    });
    await expect(shifter.readRouting(flagTarget)).rejects.toBeInstanceOf(TransientError);
    await expect(shifter.setWeight(flagTarget, canary, '2')).rejects.toThrow(/one at a time/);
  });

  it.each(['DEPLOYING', 'BAKING'] as const)('a restore stops it first: %s', async (state) => {
    const { shifter, mock } = busy(state);
    await shifter.restore(flagTarget, 'old');
    expect(mock.commandCalls(StopDeploymentCommand)).toHaveLength(1);
    expect(isAlone(await shifter.readRouting(flagTarget), 'old')).toBe(true);
  });

  it('a restore goes on when it has ended before it could be stopped', async () => {
    const fixture = over();
    const deployment = fixture.start(fixture.save(flagDocument(at('new', 60), ['next', NEVER], ['old'])), {
      state: 'DEPLOYING',
      looksLeft: 99,
    });
    fixture.mock.on(StopDeploymentCommand).callsFake(async () => {
      deployment.state = 'COMPLETE';
      throw new BadRequestException({ message: 'it is COMPLETE', $metadata: {} });
    });
    await fixture.shifter.restore(flagTarget, 'old');
    expect(isAlone(await fixture.shifter.readRouting(flagTarget), 'old')).toBe(true);
  });

  it('a restore that may not stop it says so', async () => {
    const { shifter, mock } = busy();
    const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    mock.on(StopDeploymentCommand).rejects(denied);
    await expect(shifter.restore(flagTarget, 'old')).rejects.toThrow(denied);
  });

  it('a restore waits for one that is being taken back already', async () => {
    const fixture = over();
    fixture.start(fixture.save(onOld), { state: 'ROLLING_BACK', looksLeft: 3 });
    await fixture.shifter.restore(flagTarget, 'old');
    expect(fixture.mock.commandCalls(StopDeploymentCommand)).toEqual([]);
    expect(isAlone(await fixture.shifter.readRouting(flagTarget), 'old')).toBe(true);
  });

  it('a restore that must win tries again when somebody deploys in between; one on a condition tells', async () => {
    const fixture = over();
    let interfere = true;
    const { mock } = fixture;
    const honest = mock.on(CreateHostedConfigurationVersionCommand);
    honest.callsFake(async ({ Content }) => {
      const VersionNumber = fixture.save(JSON.parse(Buffer.from(Content).toString()));
      if (interfere) fixture.deploy(flagDocument(at('new', 60), ['next', NEVER], ['old']));
      interfere = false;
      return { VersionNumber };
    });
    await fixture.shifter.restore(flagTarget, 'old');
    expect(isAlone(await fixture.shifter.readRouting(flagTarget), 'old')).toBe(true);
    interfere = true;
    const { revision } = await fixture.shifter.readRouting(flagTarget);
    await expect(fixture.shifter.restore(flagTarget, 'old', revision)).rejects.toBeInstanceOf(ConflictError);
  });

  it('a deployment of ours that takes long is not taken for done', async () => {
    const { shifter } = over({ looksToComplete: 30 });
    await shifter.restore(flagTarget, 'old');
    await expect(shifter.readRouting(flagTarget)).rejects.toThrow(/under way/);
  });
});

describe('a feature flag is refused, with the reason and what to do, before anything moves', () => {
  it.each<[string, string, RegExp, Parameters<typeof over>[0]]>([
    [
      'its strategy takes minutes',
      'slow-strategy',
      /takes 10 min/,
      { strategy: { DeploymentDurationInMinutes: 10 } },
    ],
    ['its strategy bakes', 'slow-strategy', /bakes for 5 min/, { strategy: { FinalBakeTimeInMinutes: 5 } }],
    ['its strategy grows by steps', 'slow-strategy', /grows by 100 %/, { strategy: { GrowthFactor: 20 } }],
    ['its profile is no flags', 'not-a-flag', /feature flags/, { profile: { Type: 'AWS.Freeform' } }],
    ['its profile is kept elsewhere', 'not-a-flag', /feature flags/, { profile: { LocationUri: 's3://a' } }],
    [
      'a rule is no split',
      'other-rule',
      /vip .*userId/,
      { document: flagDocument(['vip', '(eq $tier "vip")'], ['old']) },
    ],
    [
      'it has no variants',
      'no-flag',
      /no flag checkout/,
      { document: { version: '1', values: { checkout: { enabled: true } } } },
    ],
  ])('when %s', async (_what, code, text, options) => {
    expect(await over(options).shifter.inspect(flagTarget, 'new')).toMatchObject({
      kind: 'unfit',
      code,
      text: expect.stringMatching(text),
    });
  });

  it('when nothing of it was ever deployed', async () => {
    const plane = appConfigControlPlane({ target: flagTarget });
    const shifter = appConfigShifter(plane.client, async () => undefined);
    expect(await shifter.inspect(flagTarget, 'new')).toMatchObject({ code: 'nothing-deployed' });
    await expect(shifter.restore(flagTarget, 'old')).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('trouble with AppConfig', () => {
  it.each([ListDeploymentsCommand, GetDeploymentCommand])(
    'that passes is told as such, so that the workflow tries again: %o',
    async (command) => {
      const { shifter, mock } = over();
      mock
        .on(command as typeof ListDeploymentsCommand)
        .rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
      await expect(shifter.readRouting(flagTarget)).rejects.toBeInstanceOf(TransientError);
      await expect(shifter.restore(flagTarget, 'old')).rejects.toBeInstanceOf(TransientError);
    },
  );

  it('in the middle of a shift leaves what can be read', async () => {
    const { shifter, mock } = over();
    const { revision } = await shifter.readRouting(flagTarget);
    mock
      .on(StartDeploymentCommand)
      .rejects(Object.assign(new Error('slow'), { name: 'InternalServerError' }));
    await expect(shifter.setWeight(flagTarget, canary, revision)).rejects.toBeInstanceOf(TransientError);
    expect(isAt(await shifter.readRouting(flagTarget), { ...canary, weightPercent: 0 })).toBe(true);
  });
});
