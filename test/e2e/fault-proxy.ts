import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import * as z from 'zod';

/**
 * One disturbance of the calls that functions make to AWS. `match` looks at method and path, the JSON protocol's target
 * and the body, joined as `PUT /path Target {body}`; `functionName` at who calls.
 * `hold`: the call waits until released, then goes on. `refuse`: 503, nothing happens. `lose`: it happens, the answer
 * is lost with the connection. `kill`: it happens, then the caller dies at once. `kill-before`: the caller dies first.
 */
export const faultSchema = z.strictObject({
  id: z.string(),
  match: z.string(),
  functionName: z.string().optional(),
  action: z.enum(['hold', 'refuse', 'lose', 'kill', 'kill-before']),
  times: z.int().min(1),
  /** Calls that match but pass, before the first that is disturbed. */
  skip: z.int().min(0).default(0),
});
export type Fault = z.output<typeof faultSchema>;

interface Active extends Fault {
  skipped: number;
  hits: number;
  readonly released: Promise<void>;
  readonly release: () => void;
}

/** The inode of the socket whose local port is `port`, from the kernel's table (`sl local rem st … inode`). */
const socketInode = (port: number): string | undefined => {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .find(([, local]) => local?.endsWith(`:${hex}`))?.[9];
};

const processOf = (port: number): number | undefined => {
  const inode = socketInode(port);
  if (inode === undefined) return undefined;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some(
          (fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`,
        );
      } catch {
        return false;
      }
    });
};

const functionOf = (pid: number): string | undefined =>
  /(?:^|\0)AWS_LAMBDA_FUNCTION_NAME=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1];

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const forward = (target: string, message: IncomingMessage, body: Buffer) =>
  new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>((resolve, reject) => {
    const { hostname, port } = new URL(target);
    const onward = request(
      { hostname, port, path: message.url, method: message.method, headers: message.headers },
      async (answer) => {
        const answered = await bodyOf(answer).catch(reject);
        if (answered) resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: answered });
      },
    );
    onward.once('error', reject);
    onward.end(body);
  });

export interface FaultProxy {
  readonly url: string;
  /** Where calls go on to; set once the emulator is up. */
  target: string;
  stop(): Promise<void>;
}

/** Stands between the functions and AWS, and does to their calls what the tests have asked for at `/__faults`. */
export const startFaultProxy = async (): Promise<FaultProxy> => {
  const faults = new Map<string, Active>();
  const sockets = new Set<Socket>();
  let target = '';

  const control = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { id } = z
      .object({ id: z.string() })
      .parse(Object.fromEntries(new URL(message.url ?? '', 'http://x').searchParams));
    if (message.method === 'PUT') {
      const { promise, resolve } = Promise.withResolvers<void>();
      const fault = faultSchema.parse(JSON.parse((await bodyOf(message)).toString()));
      faults.set(id, { ...fault, skipped: 0, hits: 0, released: promise, release: resolve });
    }
    const fault = faults.get(id);
    if (message.method === 'DELETE') {
      fault?.release();
      faults.delete(id);
    }
    response.end(JSON.stringify({ hits: fault?.hits ?? 0 }));
  };

  /** The fault that is due for this call, and the process behind it. */
  const due = (
    message: IncomingMessage,
    body: Buffer,
  ): { fault: Active; pid: number | undefined } | undefined => {
    const text = `${message.method} ${message.url} ${message.headers['x-amz-target'] ?? ''} ${body}`;
    const candidates = [...faults.values()].filter(
      (fault) => fault.hits < fault.times && new RegExp(fault.match).test(text),
    );
    if (candidates.length === 0) return undefined;
    const pid = processOf(message.socket.remotePort ?? 0);
    const caller = pid === undefined ? undefined : functionOf(pid);
    const fault = candidates.find(
      ({ functionName }) => functionName === undefined || functionName === caller,
    );
    if (fault === undefined) return undefined;
    if (fault.skipped < fault.skip) {
      fault.skipped += 1;
      return undefined;
    }
    fault.hits += 1;
    return { fault, pid };
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (message.url?.startsWith('/__faults')) return control(message, response);
    const body = await bodyOf(message);
    const found = due(message, body);
    const action = found?.fault.action;
    if (action === 'refuse') {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"__type":"ServiceUnavailable"}');
      return;
    }
    if (action === 'kill-before' && found?.pid !== undefined) process.kill(found.pid, 'SIGKILL');
    if (action === 'kill-before') return void message.socket.destroy();
    if (action === 'hold') await found?.fault.released;
    const answer = await forward(target, message, body);
    if (action === 'kill' && found?.pid !== undefined) process.kill(found.pid, 'SIGKILL');
    if (action === 'kill' || action === 'lose') return void message.socket.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };

  const server = createServer((message, response) => {
    serve(message, response).catch(() => message.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get target() {
      return target;
    },
    set target(url: string) {
      target = url;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
