import type * as z from 'zod';
import { type Problem, problemSchema } from '../functions/platform/problem.ts';
import type { Route } from '../functions/platform/route.ts';
import { Failure, Unreachable } from './failure.ts';
import { legible } from './output.ts';

type Sent<S> = S extends z.ZodType ? z.input<S> : undefined;

/** Only what the route's row asks for; a part that the row doesn't have can't be given. */
export type RouteInput<R extends Route> = (R['params'] extends z.ZodType
  ? { readonly params: Sent<R['params']> }
  : { readonly params?: undefined }) &
  (R['query'] extends z.ZodType
    ? { readonly query?: Partial<Sent<R['query']>> }
    : { readonly query?: undefined }) &
  (R['body'] extends z.ZodType ? { readonly body: Sent<R['body']> } : { readonly body?: undefined }) & {
    readonly idempotencyKey?: string;
  };

export type RouteOutput<R extends Route> = {
  [S in keyof R['responses']]: R['responses'][S] extends z.ZodType ? z.output<R['responses'][S]> : never;
}[keyof R['responses']];

/** The API said no; `problem` is its document, word for word, and the message what a terminal can show of it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly problem: Problem;

  constructor(problem: Problem) {
    const { title, detail, faults = [] } = legible(problem);
    const lines = faults.map(({ path, message }) => `\n  ${path || '(request)'}: ${message}`);
    super(`${title}: ${detail}${lines.join('')}`);
    this.problem = problem;
  }
}

export interface ApiClient {
  /** @throws ApiProblem when the API refuses; Unreachable; Failure when it answers what this version doesn't know. */
  call<const R extends Route>(route: R, input: RouteInput<R>): Promise<RouteOutput<R>>;
}

const REQUEST_MILLISECONDS = 30_000;

const pathOf = (route: Route, params: Readonly<Record<string, unknown>> = {}): string =>
  route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));

const problemFrom = (status: number, body: unknown): Problem => {
  const parsed = problemSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  // The gateway's own refusals (no token, throttled) are not problem documents.
  const message =
    typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : 'no details';
  return { type: 'about:blank', title: `HTTP ${status}`, status, detail: message };
};

/** @throws Unreachable when the answer is cut off on its way; undefined for a whole one that is no JSON. */
const bodyOf = async (response: Response, baseUrl: string): Promise<unknown> => {
  const text = await response.text().catch((error: unknown) => {
    throw new Unreachable(baseUrl, error);
  });
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A client of the API, typed by the same route tables that made it. `token` is asked for before each call. */
export const apiClient = (baseUrl: string, token: () => Promise<string | undefined>): ApiClient => ({
  call: async (route, input) => {
    const url = new URL(`${baseUrl.replace(/\/$/, '')}${pathOf(route, input.params)}`);
    for (const [name, value] of Object.entries(input.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const bearer = await token();
    const response = await fetch(url, {
      method: route.method,
      signal: AbortSignal.timeout(REQUEST_MILLISECONDS),
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(input.body !== undefined && { 'content-type': 'application/json' }),
        ...(input.idempotencyKey !== undefined && { 'idempotency-key': input.idempotencyKey }),
      },
      ...(input.body !== undefined && { body: JSON.stringify(input.body) }),
    }).catch((error: unknown) => {
      throw new Unreachable(baseUrl, error);
    });
    const body = await bodyOf(response, baseUrl);
    const schema = route.responses[response.status];
    if (schema === undefined) throw new ApiProblem(problemFrom(response.status, body));
    const parsed = schema.safeParse(body);
    if (!parsed.success)
      throw new Failure(
        3,
        `${baseUrl} answered in a way that this version of sluice does not know: use its own`,
        {
          cause: parsed.error,
        },
      );
    return parsed.data as never;
  },
});
