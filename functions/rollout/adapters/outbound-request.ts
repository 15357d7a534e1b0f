import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { type OutboundRules, outboundRefusal } from '#policy/outbound-rules.ts';
import { addressKind, isWithinReach } from '#rollout/probe-address.ts';

/** All addresses of a name; the system's own resolver, unless a test has another. */
export type Resolve = (
  host: string,
  answer: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

/**
 * What came of a request. `refused`: it was not made, because this stage may not; says nothing of who would have
 * answered. `failed`: it was made and no whole answer came in time.
 */
export type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

export interface OutboundRequest {
  readonly url: string;
  /** For everything: name, connection, TLS, headers, body. */
  readonly timeoutMs: number;
  /** A longer body is a failure; `ignored` cuts the connection after the headers. */
  readonly body: { readonly bytesMax: number } | 'ignored';
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON to be posted; a GET without it. */
  readonly post?: string;
}

const resolveBySystem: Resolve = (host, answer) => {
  systemLookup(host, { all: true }, answer);
};

class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * Names are resolved here and the connection goes to exactly the addresses that were checked, so that a name that
 * leads elsewhere the second time it is asked (DNS rebinding) leads nowhere. One address out of reach refuses all.
 */
const checkedLookup =
  ({ reach }: OutboundRules, resolve: Resolve): LookupFunction =>
  (host, { all }, callback) => {
    resolve(host, (error, addresses) => {
      const outside = addresses?.find(({ address }) => !isWithinReach(address, reach));
      const [first] = addresses ?? [];
      if (error !== null) callback(error, '');
      else if (outside !== undefined)
        callback(new AddressRefused(`${host} leads to a ${addressKind(outside.address)} address`), '');
      else if (first === undefined) callback(new Error(`${host} has no address`), '');
      else if (all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };

/** The host where it is an address itself: those are connected to without being looked up. */
const literalOf = (url: URL): string | undefined => {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? undefined : host;
};

const textOf = (error: NodeJS.ErrnoException): string =>
  error.name === 'AbortError' || error.name === 'TimeoutError'
    ? 'no answer in time'
    : (error.code ?? error.name);

/** The body as it comes: what is packed could unpack to anything, so none is asked for and none is taken. */
const readBody = (response: IncomingMessage, bytesMax: number, settle: (outcome: Outcome) => void): void => {
  const coding = response.headers['content-encoding'] ?? 'identity';
  const give = (outcome: Outcome): void => {
    settle(outcome);
    response.destroy();
  };
  if (coding !== 'identity') {
    give({ kind: 'failed', text: `answered in ${coding}, unasked` });
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) give({ kind: 'failed', text: `answered more than ${bytesMax} bytes` });
    else chunks.push(chunk);
  });
  response.on('end', () => {
    settle({
      kind: 'answered',
      status: response.statusCode ?? 0,
      body: Buffer.concat(chunks).toString('utf8'),
    });
  });
  response.on('error', (error) => settle({ kind: 'failed', text: textOf(error) }));
};

/**
 * A request to a URL that a service's definition names, as far as the stage's rules let it. No redirect is followed, no
 * proxy asked, no connection kept. Never throws.
 */
export const outboundRequest = (
  wanted: OutboundRequest,
  rules: OutboundRules,
  resolve: Resolve = resolveBySystem,
): Promise<Outcome> => {
  const refusal = outboundRefusal(wanted.url, rules);
  if (refusal !== undefined) return Promise.resolve({ kind: 'refused', text: refusal });
  const url = new URL(wanted.url);
  const literal = literalOf(url);
  if (literal !== undefined && !isWithinReach(literal, rules.reach))
    return Promise.resolve({ kind: 'refused', text: `a ${addressKind(literal)} address` });

  return new Promise((settle) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const { body } = wanted;
    const call = request(url, {
      agent: false,
      ...(wanted.post !== undefined && { method: 'POST' }),
      lookup: checkedLookup(rules, resolve),
      signal: AbortSignal.timeout(wanted.timeoutMs),
      headers: {
        'user-agent': 'sluice',
        'accept-encoding': 'identity',
        ...(wanted.post !== undefined && { 'content-type': 'application/json' }),
        ...wanted.headers,
      },
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof AddressRefused) settle({ kind: 'refused', text: error.message });
      else settle({ kind: 'failed', text: textOf(error) });
    });
    call.on('response', (response) => {
      if (body === 'ignored') {
        settle({ kind: 'answered', status: response.statusCode ?? 0, body: '' });
        response.destroy();
      } else readBody(response, body.bytesMax, settle);
    });
    call.end(wanted.post);
  });
};
