import { type ApiClient, ApiProblem } from './api-client.ts';
import { Unreachable } from './failure.ts';

const FIRST_WAIT_MILLISECONDS = 500;
const LONGEST_WAIT_MILLISECONDS = 10_000;

/** Too many requests, and what a moment later may be over. */
const PASSING = [429, 502, 503, 504];

const mayPass = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof ApiProblem && PASSING.includes(error.problem.status));

/**
 * Asks again for a while when the network or the API fails in passing. Only what has one effect however often it is
 * sent is sent again: reads, whole replacements, and what carries a key.
 */
export const persistentClient = (api: ApiClient, forSeconds: number): ApiClient => ({
  call: async (route, input) => {
    const safe = route.method !== 'POST' || input.idempotencyKey !== undefined;
    const deadline = Date.now() + forSeconds * 1_000;
    for (let wait = FIRST_WAIT_MILLISECONDS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MILLISECONDS)) {
      try {
        return await api.call(route, input);
      } catch (error) {
        if (!safe || !mayPass(error) || Date.now() + wait > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  },
});
