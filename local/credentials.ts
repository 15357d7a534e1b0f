import { devNull } from 'node:os';
import path from 'node:path';
import { loopbackPort } from './endpoint.ts';
import { binDirectory } from './paths.ts';

/** The emulator's root account; every ARN in it carries this number. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';

/** The emulator's root key pair: public, fixed, and worth nothing anywhere else. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;

/** Nothing listens there. For children that need no AWS: one that asks for it anyway is refused, and finds no account by accident. */
export const NO_ENDPOINT = 'http://127.0.0.1:9';

/**
 * The whole environment for a child process that talks to the local AWS, and can't talk to a real one.
 *
 * Everything by which an SDK, a CLI or the CDK finds an account is dropped rather than overridden one by one
 * (profiles, SSO, web identity, container and instance credentials, endpoints per service), because
 * a list of known names would miss the next one. What is left points at `endpoint` with the emulator's keys.
 */
export function localEnvironment(
  endpoint: string,
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  loopbackPort(endpoint);
  const kept = Object.entries(inherited).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(AWS|AMAZON|CDK)_/i.test(entry[0]),
  );
  const environment = Object.fromEntries(kept);
  const noProxy = [environment.NO_PROXY ?? environment.no_proxy, '127.0.0.1', 'localhost']
    .filter(Boolean)
    .join(',');
  return {
    ...environment,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_REGION: LOCAL_REGION,
    AWS_DEFAULT_REGION: LOCAL_REGION,
    AWS_ENDPOINT_URL: endpoint,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DEFAULT_ACCOUNT: LOCAL_ACCOUNT,
    CDK_DEFAULT_REGION: LOCAL_REGION,
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    PATH: [binDirectory, environment.PATH].filter(Boolean).join(path.delimiter),
  };
}
