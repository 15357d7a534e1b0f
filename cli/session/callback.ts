import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { CALLBACK_PORTS, callbackUrl } from '../../functions/api/sign-in-schema.ts';
import { Failure } from '../failure.ts';

/** The local end of a sign-in: the browser brings the page's answer here. */
export interface Callback {
  readonly url: string;
  /** The answer to the request of this state; anything else that comes is turned away and not waited out. */
  answerTo(state: string, withinSeconds: number): Promise<URLSearchParams>;
  close(): void;
}

const page = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sluice</title><p>${text}</p></html>`;

/** Both loopback addresses that `localhost` may mean, so that no other program can be the second; false if one is taken. */
const listenOn = async (port: number, listener: RequestListener): Promise<readonly Server[] | undefined> => {
  const servers: Server[] = [];
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer(listener).listen({ port, host, ipv6Only: host === '::1' });
    try {
      await once(server, 'listening');
      servers.push(server);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A machine without IPv6 has no second address that anyone could take.
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') continue;
      for (const open of servers) open.close();
      if (code === 'EADDRINUSE' || code === 'EACCES') return undefined;
      throw error;
    }
  }
  return servers;
};

/** @throws Failure when every port that the sign-in page may send people to is taken. */
export const openCallback = async (ports: readonly number[] = CALLBACK_PORTS): Promise<Callback> => {
  let expected: string | undefined;
  const arrival = Promise.withResolvers<URLSearchParams>();
  const listener: RequestListener = (request, response) => {
    const address = URL.parse(request.url ?? '/', 'http://localhost');
    const ours =
      request.method === 'GET' &&
      address?.pathname === '/callback' &&
      expected !== undefined &&
      address.searchParams.get('state') === expected;
    // Only when the page has been sent, or its reader is gone: what comes next ends every connection.
    if (ours) response.once('close', () => arrival.resolve(address.searchParams));
    response.writeHead(ours ? 200 : 400, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      connection: 'close',
    });
    response.end(
      page(
        ours
          ? 'Go back to the terminal; this page can be closed.'
          : 'This is no answer to the sign-in that was started here. Close this page, and run sluice login again.',
      ),
    );
  };
  for (const port of ports) {
    const servers = await listenOn(port, listener);
    if (servers === undefined) continue;
    return {
      url: callbackUrl(port),
      answerTo: async (state, withinSeconds) => {
        expected = state;
        const { promise: tooLate, reject } = Promise.withResolvers<never>();
        const timer = setTimeout(
          () => reject(new Failure(3, `nobody signed in within ${withinSeconds} s: run sluice login again`)),
          withinSeconds * 1_000,
        );
        try {
          return await Promise.race([arrival.promise, tooLate]);
        } finally {
          clearTimeout(timer);
        }
      },
      close: () => {
        for (const server of servers) {
          server.close();
          // Browsers also open connections that they then don't use, and keep them for minutes.
          server.closeAllConnections();
        }
      },
    };
  }
  throw new Failure(
    3,
    `the ports ${ports.join(', ')} are all taken on this machine: free one, and run sluice login again`,
  );
};
