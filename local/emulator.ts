import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './credentials.ts';
import { configuredPort, givenEndpoint, LocalSetupError, loopbackPort } from './endpoint.ts';
import { binDirectory, repositoryRoot, venvPython } from './paths.ts';
import { emulatorDirectory, logFilePath, sweepLeftovers } from './run-directory.ts';

/** First start compiles the emulator's Python modules; on a slow, busy machine that is most of a minute. */
const HEALTHY_WITHIN_MS = 90_000;
const STOP_GRACE_MS = 3_000;
const LOG_TAIL_LINES = 25;
const FREE_PORT_ATTEMPTS = 3;

export interface Emulator {
  readonly endpoint: string;
  readonly port: number;
  /** Undefined for an emulator that was given by SLUICE_LOCAL_ENDPOINT. */
  readonly logFile: string | undefined;
  /** Resolves, with the reason, if the emulator ends without `stop()`. */
  readonly died: Promise<LocalSetupError>;
  /** Ends the emulator and its Lambda workers and removes its files; a given emulator is left running. */
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** 0 takes any free port (tests); left out, it is SLUICE_LOCAL_PORT or 4566. */
  readonly port?: number;
  /** Where Lambda functions find AWS, when that is not the emulator itself: a test that comes between them. */
  readonly functionsEndpoint?: string;
  readonly log: (line: string) => void;
}

/**
 * A local AWS that enforces IAM, on 127.0.0.1 only, empty at start. It ends with this process, however this process ends.
 * With SLUICE_LOCAL_ENDPOINT set, that emulator is used as it is and nothing is started.
 */
export async function startEmulator({ port, log, functionsEndpoint }: EmulatorOptions): Promise<Emulator> {
  const given = givenEndpoint();
  if (given !== undefined) return attach(given, log);
  sweepLeftovers();
  for (let attempt = 1; ; attempt++) {
    const chosen = port === 0 ? await freePort() : (port ?? configuredPort());
    await refuseTakenPort(chosen);
    try {
      return await launch(chosen, log, functionsEndpoint);
    } catch (error) {
      const lostRace =
        port === 0 && error instanceof LocalSetupError && /address already in use/i.test(error.message);
      if (!lostRace || attempt === FREE_PORT_ATTEMPTS) throw error;
    }
  }
}

async function attach(endpoint: string, log: (line: string) => void): Promise<Emulator> {
  if (!(await isHealthy(endpoint))) {
    throw new LocalSetupError(
      `Nothing answers at ${endpoint} (SLUICE_LOCAL_ENDPOINT), or it does not enforce IAM. Start a MiniStack there with AUTH=true, or unset the variable.`,
    );
  }
  log(`using the local AWS at ${endpoint}`);
  return {
    endpoint,
    port: loopbackPort(endpoint),
    logFile: undefined,
    died: new Promise(() => {}),
    stop: async () => {},
  };
}

async function launch(
  port: number,
  log: (line: string) => void,
  functionsEndpoint: string | undefined,
): Promise<Emulator> {
  const endpoint = `http://127.0.0.1:${port}`;
  const files = emulatorDirectory();
  const logFile = logFilePath(`emulator-${port}`);
  const output = openSync(logFile, 'w');
  log(`starting the local AWS on ${endpoint}`);
  const child = spawn(venvPython, [path.join(repositoryRoot, 'local', 'emulator_asgi.py')], {
    cwd: files,
    env: {
      ...emulatorEnvironment(port, files),
      ...(functionsEndpoint !== undefined && { AWS_ENDPOINT_URL: functionsEndpoint }),
    },
    // A group of its own, so that one signal reaches the Lambda workers too, and Ctrl-C reaches us first.
    detached: true,
    stdio: ['pipe', output, output],
  });
  // A caller that forgets stop() should exit, not hang: the closing pipe ends the emulator.
  child.unref();
  let stopping = false;
  const ended = endOf(child);
  const died = ended.then((how) => {
    if (stopping) return new Promise<never>(() => {});
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    rmSync(files, { recursive: true, force: true });
    return new LocalSetupError(
      `The local AWS ended (${how}). The end of its log, ${logFile}:\n${logTail(logFile)}`,
    );
  });
  const stop = async () => {
    stopping = true;
    await endGroup(child, ended);
    rmSync(files, { recursive: true, force: true, maxRetries: 5 });
  };
  const failure = await Promise.race([untilHealthy(endpoint, logFile), died]);
  if (failure instanceof LocalSetupError) {
    await stop();
    throw failure;
  }
  return { endpoint, port, logFile, died, stop };
}

/**
 * The emulator's environment is also every Lambda's, so it is built from nothing: no variable of this shell can reach a function
 * and make it pass here and fail on AWS.
 */
function emulatorEnvironment(port: number, files: string): Record<string, string> {
  return {
    PATH: [binDirectory, process.env.PATH].filter(Boolean).join(path.delimiter),
    HOME: files,
    TMPDIR: files,
    STATE_DIR: path.join(files, 'state'),
    S3_DATA_DIR: path.join(files, 's3'),
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    GATEWAY_PORT: String(port),
    AUTH: 'true',
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    MINISTACK_REGION: LOCAL_REGION,
    // Listeners on further, fixed ports: not ours, and two emulators would fight over them.
    SFTP_ENABLED: '0',
    IOT_MTLS_ENABLED: '0',
    // At boot the emulator removes containers that an earlier one left; those on this machine may be somebody else's.
    DOCKER_HOST: `unix://${path.join(files, 'no-docker.sock')}`,
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  } catch (cause) {
    return `it could not be started: ${cause instanceof Error ? cause.message : cause}; delete .local/venv and try again`;
  }
}

async function endGroup(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.pid === undefined) return;
  const grace = new AbortController();
  signalGroup(child.pid, 'SIGTERM');
  await Promise.race([ended, sleep(STOP_GRACE_MS, undefined, { signal: grace.signal }).catch(() => {})]);
  grace.abort();
  // Also after an orderly end: a function may handle SIGTERM itself and go on.
  signalGroup(child.pid, 'SIGKILL');
  await ended;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function untilHealthy(endpoint: string, logFile: string): Promise<LocalSetupError | undefined> {
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (await isHealthy(endpoint)) return undefined;
    await sleep(100);
  }
  return new LocalSetupError(
    `The local AWS did not answer within ${HEALTHY_WITHIN_MS / 1000} s. The end of its log, ${logFile}:\n${logTail(logFile)}`,
  );
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(2_000) });
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null && 'auth' in body && body.auth === 'enabled';
  } catch {
    return false;
  }
}

function logTail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP listener has a port');
  return address.port;
}

async function refuseTakenPort(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new LocalSetupError(
      `Port ${port} on 127.0.0.1 is taken, perhaps by another \`npm start\`. Stop that, or choose another port: SLUICE_LOCAL_PORT=${port + 1} npm start`,
      { cause },
    );
  }
  server.close();
  await once(server, 'close');
}
