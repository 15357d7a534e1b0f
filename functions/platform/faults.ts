import type * as z from 'zod';
import { type Fault, InvalidRequestError } from '#platform/errors.ts';

const pathText = (path: readonly PropertyKey[]): string => path.map(String).join('.');

/** More would only make an answer, or a log line, as long as whoever sent the faults wants it. */
const FAULTS_MAX = 50;

type Issue = z.core.$ZodIssue;

/**
 * A value that fits none of several forms is told by the form it is nearest to, the one that is wrong only inside; when
 * there is none, by what each form would have been.
 */
const faultsOfForms = (path: readonly PropertyKey[], forms: readonly Issue[][]): readonly Fault[] => {
  const nearest = forms.find((issues) => issues.every((issue) => insideOf(issue)));
  if (nearest !== undefined) return nearest.flatMap((issue) => faultsOfIssue(issue, path));
  const messages = forms.flatMap((issues) => issues.map((issue) => issue.message));
  return [{ path: pathText(path), message: [...new Set(messages)].join(' or ') || 'Invalid input' }];
};

const insideOf = (issue: Issue): boolean => issue.path.length > 0 || issue.code === 'unrecognized_keys';

const faultsOfIssue = (issue: Issue, parent: readonly PropertyKey[] = []): readonly Fault[] => {
  const path = [...parent, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: pathText([...path, key]), message: 'unknown key' }));
    case 'invalid_union':
      // A union told apart by one of its fields names that field itself, and has no forms to choose from.
      return issue.errors.length > 0
        ? faultsOfForms(path, issue.errors)
        : [{ path: pathText(path), message: issue.message }];
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path: pathText(path), message }));
    default:
      return [{ path: pathText(path), message: issue.message }];
  }
};

/** Each of zod's issues as a field and a sentence; an unknown key is named as the field, not its parent. */
export const faultsOf = (error: z.ZodError): readonly Fault[] => {
  const faults = error.issues.flatMap((issue) => faultsOfIssue(issue));
  const more = faults.length - FAULTS_MAX;
  return more > 0
    ? [...faults.slice(0, FAULTS_MAX), { path: '', message: `${more} more like these` }]
    : faults;
};

/**
 * `value` as the schema's output.
 * @throws InvalidRequestError naming every wrong field.
 */
export const parseOrRefuse = <S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(`${what} is not valid`, { faults: faultsOf(parsed.error) });
};
