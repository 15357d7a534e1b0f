import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localDirectory } from '../../local/paths.ts';

const VERSION = '2.6.1';
const STARTED_WITHIN_MILLISECONDS = 60_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.amazonaws</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

/** Why there is none, for people to read. */
export class NotToBeHad extends Error {}

const ended = async (child: ChildProcess): Promise<number | null> => {
  const [code] = await once(child, 'close');
  return code;
};

/** Fetches it with its dependencies from Maven's registry, once. */
const fetchIt = async (directory: string): Promise<string> => {
  const libraries = path.join(directory, `lib-${VERSION}`);
  if (existsSync(libraries)) return libraries;
  mkdirSync(directory, { recursive: true });
  const pom = path.join(directory, 'pom.xml');
  writeFileSync(pom, POM);
  const copy = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
  const maven = spawn('mvn', copy, { stdio: 'ignore' });
  const code = await ended(maven).catch(() => {
    throw new NotToBeHad('it is fetched with Maven, and there is no mvn on the path');
  });
  if (code !== 0) throw new NotToBeHad('Maven could not fetch it');
  return libraries;
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a port has a number');
  return address.port;
};

/**
 * DynamoDB Local, Amazon's own, in memory: a second opinion beside the emulator, which is one process in Python.
 * @throws NotToBeHad without Java or Maven, or without a registry that has it.
 */
export const startDynamoDbLocal = async (): Promise<{
  readonly endpoint: string;
  stop(): Promise<void>;
}> => {
  const libraries = await fetchIt(path.join(localDirectory, 'dynamodb-local'));
  const port = await freePort();
  const java = spawn(
    'java',
    [
      ...[`-Djava.library.path=${libraries}`, '-cp', path.join(libraries, '*')],
      ...['com.amazonaws.services.dynamodbv2.local.main.ServerRunner', '-inMemory'],
      ...['-disableTelemetry', '-port', String(port)],
    ],
    { stdio: 'ignore' },
  );
  let gone: string | undefined;
  java.on('error', () => {
    gone = 'it needs Java 17 or newer, and there is no java on the path';
  });
  java.on('exit', (code) => {
    gone ??= `it ended at its start with exit code ${code}; it needs Java 17 or newer`;
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (gone !== undefined) return;
    java.kill();
    await once(java, 'exit');
  };
  const deadline = performance.now() + STARTED_WITHIN_MILLISECONDS;
  for (;;) {
    if (gone !== undefined) throw new NotToBeHad(gone);
    if (
      await fetch(endpoint).then(
        () => true,
        () => false,
      )
    )
      return { endpoint, stop };
    if (performance.now() > deadline) {
      await stop();
      throw new NotToBeHad(`it did not answer within ${STARTED_WITHIN_MILLISECONDS / 1_000} s`);
    }
    await sleep(100);
  }
};
