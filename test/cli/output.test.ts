import { afterEach, expect, it, vi } from 'vitest';
import { ApiProblem } from '../../cli/api-client.ts';
import { answer, remark } from '../../cli/output.ts';

/** Clears the screen (in both its forms), rings, turns the reading order round, deletes, and begins a line of its own. */
const HOSTILE = 'a\u001b[2Jb\u009b2Jc\u0007d\u202ee\u007ff\r\ng';
const SHOWN = 'a\\u001b[2Jb\\u009b2Jc\\u0007d\\u202ee\\u007ff g';

const [out, err] = [
  vi.spyOn(console, 'log').mockReturnValue(undefined),
  vi.spyOn(console, 'error').mockReturnValue(undefined),
];
afterEach(() => void [out, err].map((stream) => stream.mockClear()));

it('words are made of what a terminal shows and does not obey, each text in its line', () => {
  answer({ by: { login: HOSTILE }, of: [HOSTILE] }, undefined, ({ by, of }) => `${by.login}\n${of[0]}`);
  expect(out).toHaveBeenCalledExactlyOnceWith(`${SHOWN}\n${SHOWN}`);
});

it('JSON says the same to a script, and nothing to a terminal', () => {
  answer({ text: HOSTILE }, true, ({ text }) => text);
  const [json = ''] = out.mock.calls[0] ?? [];
  expect(JSON.parse(json)).toEqual({ text: HOSTILE });
  expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_C}]/u);
});

it('what is said beside keeps its lines', () => {
  remark(`one\n\ttwo ${'\u001b'}[31m`);
  expect(err).toHaveBeenCalledExactlyOnceWith('one\n\ttwo \\u001b[31m');
});

it('a refusal is told so too: a line for each fault, whatever is in it', () => {
  const problem = { type: 'about:blank', title: 'No', status: 400, detail: HOSTILE };
  const refused = new ApiProblem({ ...problem, faults: [{ path: 'notes', message: HOSTILE }] });
  expect(refused.message).toBe(`No: ${SHOWN}\n  notes: ${SHOWN}`);
  expect(refused.problem.detail).toBe(HOSTILE);
});
