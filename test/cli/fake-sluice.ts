import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openApiDocument } from '#api/openapi.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

/** An API and its sign-in page in one server, which keeps what it was asked. */
export interface FakeSluice {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** The next answers of a route, in order; the last one stays. */
  answer(route: string, ...replies: readonly Reply[]): void;
  /** Codes that the page has given out, each with the challenge it was given for. */
  readonly codes: Map<string, string>;
  stop(): Promise<void>;
}

const s256 = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** An access token as Cognito makes them; nobody verifies it here. */
export const tokenFor = (login: string, ...roles: readonly string[]): string => {
  const claims = {
    token_use: 'access',
    username: login,
    'cognito:groups': roles.map((role) => `sluice:${role}`),
  };
  return ['{}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
};

export const startFakeSluice = async (): Promise<FakeSluice> => {
  const asked: Asked[] = [];
  const replies = new Map<string, Reply[]>();
  const codes = new Map<string, string>();
  const reply = ({ method, path, body }: Asked): Reply => {
    const given = replies.get(`${method} ${path.split('?')[0]}`);
    const next = given !== undefined && given.length > 1 ? given.shift() : given?.[0];
    if (next !== undefined) return next;
    if (path === '/v1/openapi.json')
      return { status: 200, body: openApiDocument([], { url: '', clientId: 'cli-1' }) };
    if (path === '/oauth2/revoke') return { status: 200 };
    if (path === '/oauth2/token') {
      const form = new URLSearchParams(body);
      const challenge = codes.get(form.get('code') ?? '');
      const right =
        form.get('grant_type') === 'refresh_token' ||
        (challenge !== undefined && s256(form.get('code_verifier') ?? '') === challenge);
      if (!right) return { status: 400, body: { error: 'invalid_grant' } };
      const tokens = { access_token: tokenFor('olive', 'operator'), token_type: 'Bearer', expires_in: 3_600 };
      return {
        status: 200,
        body: { ...tokens, ...(challenge !== undefined && { refresh_token: 'refresh-1' }) },
      };
    }
    return { status: 404, body: { message: 'Not Found' } };
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const one = { method, path: url, headers, body };
    asked.push(one);
    const { status, body: answer } = reply(one);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(answer === undefined ? '' : JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (route, ...next) => void replies.set(route, [...next]),
    codes,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
