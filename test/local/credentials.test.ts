import { describe, expect, it } from 'vitest';
import { localEnvironment } from '../../local/credentials.ts';
import { configuredPort, givenEndpoint, loopbackPort } from '../../local/endpoint.ts';

const ENDPOINT = 'http://127.0.0.1:4566';

describe('the environment of everything that talks to the local AWS', () => {
  it('leaves no way to a real account, whatever the shell is set up for', () => {
    const shell = {
      HOME: '/home/ann',
      PATH: '/usr/bin',
      AWS_PROFILE: 'production',
      AWS_DEFAULT_PROFILE: 'production',
      AWS_ACCESS_KEY_ID: 'AKIAREAL',
      AWS_SECRET_ACCESS_KEY: 'real',
      AWS_SESSION_TOKEN: 'real',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci',
      AWS_WEB_IDENTITY_TOKEN_FILE: '/var/token',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/creds',
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/creds',
      AWS_ENDPOINT_URL_S3: 'https://s3.example',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      AWS_REGION: 'eu-west-1',
      AWS_USE_FIPS_ENDPOINT: 'true',
      CDK_DEFAULT_ACCOUNT: '123456789012',
    };
    const environment = localEnvironment(ENDPOINT, shell);
    expect(Object.values(environment).join('\n')).not.toMatch(
      /production|real|123456789012|token|creds|example|eu-west-1/,
    );
    expect(environment).toMatchObject({
      HOME: '/home/ann',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_ENDPOINT_URL: ENDPOINT,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    expect(environment).not.toHaveProperty('AWS_USE_FIPS_ENDPOINT');
  });

  it('keeps a proxy, but not for the local AWS', () => {
    const environment = localEnvironment(ENDPOINT, {
      HTTPS_PROXY: 'http://proxy:3128',
      NO_PROXY: 'intranet',
    });
    expect(environment).toMatchObject({
      HTTPS_PROXY: 'http://proxy:3128',
      NO_PROXY: 'intranet,127.0.0.1,localhost',
    });
  });

  it('puts the pinned Node first on PATH', () => {
    expect(localEnvironment(ENDPOINT, { PATH: '/usr/bin' }).PATH).toMatch(/node_modules\/\.bin:\/usr\/bin$/);
  });

  it('is refused for an endpoint elsewhere', () => {
    expect(() => localEnvironment('https://sts.amazonaws.com')).toThrow(/on this machine/);
  });
});

describe('the endpoint', () => {
  it.each([
    ['http://127.0.0.1:4566', 4566],
    ['http://localhost:5000/', 5000],
    ['http://[::1]:4566', 4566],
    ['http://127.0.0.1', 80],
  ])('%s is local', (endpoint, port) => {
    expect(loopbackPort(endpoint)).toBe(port);
  });

  it.each([
    'https://127.0.0.1:4566',
    'http://10.0.0.7:4566',
    'http://127.0.0.1.example.com:4566',
    'http://127.0.0.1@evil.example:4566',
    'http://0.0.0.0:4566',
    'https://dynamodb.eu-west-1.amazonaws.com',
    'localhost:4566',
    '',
  ])('%j is refused', (endpoint) => {
    expect(() => loopbackPort(endpoint)).toThrow(/must be http:\/\/ on this machine/);
  });

  it('given by SLUICE_LOCAL_ENDPOINT is checked the same way, and may be left out', () => {
    expect(givenEndpoint({ SLUICE_LOCAL_ENDPOINT: 'http://localhost:4566/' })).toBe('http://localhost:4566');
    expect(givenEndpoint({})).toBeUndefined();
    expect(givenEndpoint({ SLUICE_LOCAL_ENDPOINT: '' })).toBeUndefined();
    expect(() => givenEndpoint({ SLUICE_LOCAL_ENDPOINT: 'http://build-server:4566' })).toThrow(
      /SLUICE_LOCAL_ENDPOINT/,
    );
  });

  it('has the port that SLUICE_LOCAL_PORT names', () => {
    expect(configuredPort({})).toBe(4566);
    expect(configuredPort({ SLUICE_LOCAL_PORT: '5001' })).toBe(5001);
    for (const port of ['http', '80', '70000', '4566.5']) {
      expect(() => configuredPort({ SLUICE_LOCAL_PORT: port })).toThrow(/SLUICE_LOCAL_PORT/);
    }
  });
});
