import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { ssmTokens } from '#rollout/adapters/ssm-tokens.ts';

const HOSTS = [
  { host: 'metrics.example.com', tokenParameter: '/sluice/metrics' },
  { host: '*.grafana.example', tokenParameter: '/sluice/grafana' },
  { host: 'open.example.com' },
];
const client = new SSMClient({ region: 'eu-central-1' });
const ssm = mockClient(client);
let time = 0;
const tokens = () => ssmTokens(client, HOSTS, () => time);

beforeEach(() => {
  ssm.reset();
  ssm
    .on(GetParameterCommand)
    .callsFake(({ Name }) => ({ Parameter: { Value: `token of ${Name}`.replaceAll(' ', '-') } }));
  time = 0;
});

describe('the token for a server', () => {
  it('is the one kept for its host, whatever the definition says', async () => {
    const tokenFor = tokens();
    expect(await tokenFor('https://metrics.example.com/a')).toBe('token-of-/sluice/metrics');
    expect(await tokenFor('https://eu.grafana.example')).toBe('token-of-/sluice/grafana');
    expect(await tokenFor('https://open.example.com')).toBeUndefined();
    expect(await tokenFor('https://evil.example')).toBeUndefined();
  });

  it('is asked for decrypted, once a minute', async () => {
    const tokenFor = tokens();
    for (const now of [0, 30_000, 59_999]) {
      time = now;
      await tokenFor('https://metrics.example.com');
    }
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(1);
    expect(ssm.commandCalls(GetParameterCommand)[0]?.args[0].input).toEqual({
      Name: '/sluice/metrics',
      WithDecryption: true,
    });
    time = 60_000;
    await tokenFor('https://metrics.example.com');
    expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(2);
  });

  it('may end in the line end that people paste with it', async () => {
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: 'sesame\n' } });
    expect(await tokens()('https://metrics.example.com')).toBe('sesame');
  });

  it.each(['', 'two words', 'a\r\nx-admin: yes', 'ü'])(
    'is none where the parameter holds %j',
    async (Value) => {
      ssm.on(GetParameterCommand).resolves({ Parameter: { Value } });
      await expect(tokens()('https://metrics.example.com')).rejects.toBeInstanceOf(TransientError);
    },
  );

  it('that can not be read makes the source one that can not be read, and is asked for again', async () => {
    const tokenFor = tokens();
    ssm
      .on(GetParameterCommand)
      .rejectsOnce(Object.assign(new Error('no'), { name: 'ParameterNotFound' }))
      .resolves({ Parameter: { Value: 'sesame' } });
    await expect(tokenFor('https://metrics.example.com')).rejects.toBeInstanceOf(TransientError);
    expect(await tokenFor('https://metrics.example.com')).toBe('sesame');
  });
});
