import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { appConfigSwitches } from '#policy/adapters/appconfig-switches.ts';
import { ALL_ON } from '#policy/kill-switches.ts';

const aws = mockClient(AppConfigDataClient);
const client = new AppConfigDataClient({ region: 'eu-central-1' });
const place = { application: 'app', environment: 'env', profile: 'flags' };

/** AppConfig's answers one after the other; nothing means that there is nothing new. */
const answering = (...answers: (object | 'nothing new' | Error)[]): void => {
  aws.on(GetLatestConfigurationCommand).callsFake(async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    const text = answer === 'nothing new' ? '' : JSON.stringify(answer);
    return { NextPollConfigurationToken: 'next', Configuration: new TextEncoder().encode(text) };
  });
};

beforeEach(() => {
  aws.reset();
  aws.on(StartConfigurationSessionCommand).resolves({ InitialConfigurationToken: 'first' });
});

describe('asking AppConfig for the kill switches', () => {
  it('is told what is deployed, and keeps it while there is nothing new', async () => {
    answering({ autoRollback: { enabled: false } }, 'nothing new');
    const ask = appConfigSwitches(client, place);
    const told = { ...ALL_ON, autoRollback: { on: false, offIn: [] } };
    expect(await ask()).toEqual(told);
    expect(await ask()).toEqual(told);
    const tokens = aws.commandCalls(GetLatestConfigurationCommand).map(({ args }) => args[0].input);
    expect(tokens).toEqual([{ ConfigurationToken: 'first' }, { ConfigurationToken: 'next' }]);
    expect(aws.commandCalls(StartConfigurationSessionCommand)[0]?.args[0].input).toEqual({
      ApplicationIdentifier: 'app',
      EnvironmentIdentifier: 'env',
      ConfigurationProfileIdentifier: 'flags',
      RequiredMinimumPollIntervalInSeconds: 15,
    });
  });

  it('begins anew after a failure: a token that may be used up would fail for a day', async () => {
    answering({}, new Error('timeout'), { autoRollback: { enabled: false } });
    const ask = appConfigSwitches(client, place);
    await ask();
    await expect(ask()).rejects.toThrow('timeout');
    expect((await ask()).autoRollback.on).toBe(false);
    expect(aws.commandCalls(StartConfigurationSessionCommand)).toHaveLength(2);
  });

  it.each([['nothing deployed', 'nothing new'] as const, ['something else', ['a']] as const])(
    'fails on %s',
    async (_, answer) => {
      answering(answer);
      await expect(appConfigSwitches(client, place)()).rejects.toThrow();
    },
  );
});
