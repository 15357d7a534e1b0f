import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { OutboundRules } from '#policy/outbound-rules.ts';
import { type OutboundRequest, outboundRequest, type Resolve } from '#rollout/adapters/outbound-request.ts';
import { nobody, serve } from './hostile-server.ts';

const LOCAL: OutboundRules = { hosts: ['127.0.0.1:*', 'service.example:*'], reach: 'local' };

const get = (url: string, wanted: Partial<OutboundRequest> = {}, rules = LOCAL, resolve?: Resolve) =>
  outboundRequest({ url, timeoutMs: 1_000, body: { bytesMax: 1_000 }, ...wanted }, rules, resolve);

/** A resolver with an answer for each time it is asked; the last one stays. */
const resolving = (...answers: readonly (readonly string[])[]) => {
  const asked: string[] = [];
  const resolve: Resolve = (host, answer) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(host);
    answer(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { resolve, asked };
};

const portOf = (url: string): string => new URL(url).port;

describe('a request to a host that a definition names', () => {
  it('tells status and body', async () => {
    const url = await serve((_, response) => response.writeHead(418).end('teapot'));
    expect(await get(`${url}/up`)).toEqual({ kind: 'answered', status: 418, body: 'teapot' });
  });

  it('says who asks, sends what it was given, and asks for nothing packed', async () => {
    const url = await serve(({ headers, method }, response) =>
      response.end([method, headers['user-agent'], headers['accept-encoding'], headers.authorization].join()),
    );
    expect(await get(url, { headers: { authorization: 'Bearer x' } })).toMatchObject({
      body: 'GET,sluice,identity,Bearer x',
    });
  });

  it('needs no body where only the status counts', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200);
      response.write('and so on');
    });
    expect(await get(url, { body: 'ignored' })).toEqual({ kind: 'answered', status: 200, body: '' });
  });

  it('fails where nobody listens', async () => {
    expect(await get(await nobody())).toEqual({ kind: 'failed', text: 'ECONNREFUSED' });
  });

  it('fails where the name leads nowhere', async () => {
    const resolve: Resolve = (_, answer) => answer(Object.assign(new Error(), { code: 'ENOTFOUND' }), []);
    expect(await get('http://service.example:1/', {}, LOCAL, resolve)).toEqual({
      kind: 'failed',
      text: 'ENOTFOUND',
    });
  });
});

describe('a hostile answer', () => {
  const late = { kind: 'failed', text: expect.stringMatching(/no answer in time|ECONNRESET/) };

  it.each([
    ['never begins', () => {}],
    ['stops after the headers', (_: unknown, response: ServerResponse) => response.flushHeaders()],
    [
      'comes byte by byte',
      (_: unknown, response: ServerResponse) => {
        const timer = setInterval(() => response.write('.'), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('that %s is over when its time is', async (_, listener) => {
    const url = await serve(listener);
    const began = performance.now();
    expect(await get(url, { timeoutMs: 200 })).toEqual(late);
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  it('without end is cut off at its limit', async () => {
    let sent = 0;
    const url = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000))) sent += 10_000;
      };
      response.on('drain', more);
      more();
    });
    expect(await get(url)).toEqual({ kind: 'failed', text: 'answered more than 1000 bytes' });
    expect(sent).toBeLessThan(50_000_000);
  });

  it('that is packed is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const url = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    expect(await get(url, { body: { bytesMax: 1_000_000 } })).toEqual({
      kind: 'failed',
      text: 'answered in gzip, unasked',
    });
  });

  it('that is not HTTP is a failure', async () => {
    const url = await serve(({ socket }) => {
      socket.end('220 mail.example ESMTP\r\n');
    });
    expect(await get(url)).toMatchObject({ kind: 'failed' });
  });

  it('that breaks off half way is not taken for whole', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    expect(await get(url)).toMatchObject({ kind: 'failed' });
  });

  it('that leads elsewhere is an answer, and nobody goes there', async () => {
    let visited = 0;
    const elsewhere = await serve((_, response) => {
      visited += 1;
      response.end();
    });
    for (const location of [elsewhere, 'http://169.254.169.254/latest/meta-data/']) {
      const url = await serve((_, response) => response.writeHead(302, { location }).end());
      expect(await get(url)).toMatchObject({ kind: 'answered', status: 302 });
    }
    expect(visited).toBe(0);
  });
});

describe('an address out of reach', () => {
  const PUBLIC: OutboundRules = { hosts: ['service.example:*'], reach: 'public' };

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '::1'],
    ['metadata', '169.254.169.254'],
    ['metadata', '::ffff:169.254.169.254'],
    ['metadata', 'fd00:ec2::254'],
    ['private', '10.0.0.1'],
    ['unspecified', '0.0.0.0'],
    ['link-local', 'fe80::1'],
  ])('is refused though its name is allowed: %s %s', async (kind, address) => {
    const { resolve } = resolving([address]);
    expect(await get('https://service.example/', {}, PUBLIC, resolve)).toEqual({
      kind: 'refused',
      text: `service.example leads to a ${kind} address`,
    });
  });

  it('among good ones refuses them all', async () => {
    const { resolve } = resolving(['8.8.8.8', '10.0.0.1']);
    expect(await get('https://service.example/', {}, PUBLIC, resolve)).toMatchObject({ kind: 'refused' });
  });

  it('written into the URL is refused too, in whatever digits', async () => {
    const rules: OutboundRules = { hosts: ['127.0.0.1:*', '169.254.169.254'], reach: 'public' };
    for (const url of ['https://127.0.0.1/', 'https://0x7f000001/', 'https://2130706433/', 'https://127.1/'])
      expect(await get(url, {}, rules), url).toEqual({ kind: 'refused', text: 'a loopback address' });
    for (const reach of ['public', 'private', 'local'] as const)
      expect(await get('https://169.254.169.254/', {}, { ...rules, reach })).toEqual({
        kind: 'refused',
        text: 'a metadata address',
      });
  });

  it('is refused before anything is sent to it', async () => {
    let visited = 0;
    const url = await serve((_, response) => {
      visited += 1;
      response.end();
    });
    const { resolve } = resolving(['127.0.0.1']);
    const rules: OutboundRules = { hosts: ['service.example:*'], reach: 'private' };
    await get(`https://service.example:${portOf(url)}/`, {}, rules, resolve);
    expect(visited).toBe(0);
  });

  it('is not reached by a name that leads elsewhere the second time it is asked', async () => {
    const url = await serve((_, response) => response.end('the checked one'));
    const { resolve, asked } = resolving(['127.0.0.1'], ['169.254.169.254']);
    const target = `http://service.example:${portOf(url)}/`;
    expect(await get(target, {}, LOCAL, resolve)).toMatchObject({ body: 'the checked one' });
    expect(asked).toEqual(['service.example']);
    expect(await get(target, {}, LOCAL, resolve)).toMatchObject({ kind: 'refused' });
  });
});

describe('a host that the stage does not allow', () => {
  it('is not even looked up', async () => {
    const { resolve, asked } = resolving(['8.8.8.8']);
    expect(await get('https://evil.example/', {}, LOCAL, resolve)).toMatchObject({ kind: 'refused' });
    expect(asked).toEqual([]);
  });

  it('is not called without TLS outside the local stage', async () => {
    const rules: OutboundRules = { hosts: ['service.example'], reach: 'private' };
    expect(await get('http://service.example/', {}, rules)).toEqual({
      kind: 'refused',
      text: 'must be https',
    });
  });
});

describe('a certificate', () => {
  it('that does not speak for the host, or no TLS at all, is a failure', async () => {
    const url = await serve((_, response) => response.end());
    expect(await get(url.replace('http:', 'https:'))).toMatchObject({ kind: 'failed' });
  });
});
