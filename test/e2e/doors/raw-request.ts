import { Agent, request } from 'node:http';
import { problemSchema } from '../../../functions/platform/problem.ts';
import { world } from '../harness.ts';

export interface RawRequest {
  readonly method: string;
  /** With its query, sent as it stands: no client in between that would tidy it up. */
  readonly path: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text goes as JSON unless the headers say otherwise, bytes go without a type. */
  readonly body?: string | Buffer | undefined;
}

export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: unknown;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const api = new URL(world.apiUrl);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** One request, byte for byte as given; any number may be sent at once. */
export const send = ({ method, path, token, headers, body }: RawRequest): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        host: api.hostname,
        port: api.port,
        method,
        path: `${api.pathname}${path}`,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(typeof body === 'string' && { 'content-type': 'application/json' }),
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
      },
      async (answer) => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk as Buffer);
        const text = Buffer.concat(chunks).toString();
        const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
        resolve({ status: answer.statusCode ?? 0, type, text, json: parsed(text) });
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });

/** The fields that a refusal names; what is missing for it to be one of ours, with this status, instead. */
export const faultPaths = (answer: RawAnswer, status = 400): readonly string[] | string => {
  const problem = problemSchema.safeParse(answer.json);
  if (answer.status !== status || answer.type !== 'application/problem+json' || !problem.success)
    return `${answer.status} ${answer.type} ${answer.text.slice(0, 300)}`;
  if (problem.data.status !== status || problem.data.detail === '') return answer.text;
  return (problem.data.faults ?? []).map(({ path }) => path);
};
