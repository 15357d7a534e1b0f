/** A failure of the local set-up whose message says what happened and what to do; shown without a stack trace. */
export class LocalSetupError extends Error {
  override readonly name = 'LocalSetupError';
}

const DEFAULT_PORT = 4566;
const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * The port of a local endpoint. Refuses every endpoint that is not plain HTTP on the loopback interface: the local scripts create
 * and delete without asking, so an address that could be a real AWS, or another person's machine, must not get past here.
 */
export function loopbackPort(endpoint: string): number {
  const url = URL.parse(endpoint);
  if (url === null || url.protocol !== 'http:' || !LOOPBACK_HOSTS.includes(url.hostname)) {
    throw new LocalSetupError(
      `The local AWS must be http:// on this machine (127.0.0.1), not "${endpoint}". Correct or unset SLUICE_LOCAL_ENDPOINT.`,
    );
  }
  return url.port === '' ? 80 : Number(url.port);
}

/** The endpoint of an emulator that somebody already runs, for machines without Python. */
export function givenEndpoint(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const endpoint = environment.SLUICE_LOCAL_ENDPOINT;
  if (endpoint === undefined || endpoint === '') return undefined;
  loopbackPort(endpoint);
  return endpoint.replace(/\/+$/, '');
}

/** The port for `npm start`: SLUICE_LOCAL_PORT, or the emulator's customary one. */
export function configuredPort(environment: NodeJS.ProcessEnv = process.env): number {
  const text = environment.SLUICE_LOCAL_PORT;
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1024 || port > 65_535) {
    throw new LocalSetupError(`SLUICE_LOCAL_PORT must be a port from 1024 to 65535, not "${text}".`);
  }
  return port;
}

/** Where the emulator serves the `$default` stage of an HTTP API; the API's own host name does not resolve locally. */
export function httpApiUrl(endpoint: string, apiId: string): string {
  return `${endpoint}/_aws/execute-api/${apiId}/$default`;
}
