import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { releaseRoutes } from '#releases/routes.ts';
import { ApiProblem, apiClient } from '../../cli/api-client.ts';
import { Unreachable } from '../../cli/failure.ts';

/** What a call ends with when the API answers so. */
const endOf = async (answer: (response: ServerResponse) => void): Promise<unknown> => {
  const server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await apiClient(url, async () => undefined).call(releaseRoutes.listReleases, {});
  } catch (error) {
    return error;
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

it.each([200, 403])('an answer of %i that is cut off is none: it is worth asking again', async (status) => {
  const error = await endOf((response) => {
    response.writeHead(status, { 'content-length': '100' });
    response.write('{"releases":[', () => response.destroy());
  });
  expect(error).toBeInstanceOf(Unreachable);
});

it('an answer that is whole and no JSON is one of somebody else', async () => {
  const error = await endOf((response) => response.writeHead(502).end('<html>'));
  expect(error).toBeInstanceOf(ApiProblem);
  expect(error).toMatchObject({ problem: { status: 502, detail: 'no details' } });
});
