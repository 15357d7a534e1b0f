import * as z from 'zod';
import { textSchema } from '#platform/text.ts';

/** What a team's own shifter function is asked; `protocol` rises when an old function could misread a request. */
export type CustomRequest = {
  readonly protocol: 1;
  readonly parameters: Readonly<Record<string, string>>;
} & (
  | { readonly action: 'inspect'; readonly version: string }
  | { readonly action: 'readRouting' }
  | {
      readonly action: 'setWeight';
      readonly stable: string;
      readonly canary: string;
      readonly weightPercent: number;
      readonly revision: string;
    }
  | { readonly action: 'promote'; readonly version: string; readonly revision: string }
  | { readonly action: 'restore'; readonly stable: string; readonly revision?: string }
);

const version = textSchema(256);
/** What is told to people and the ledger. */
const text = z
  .string()
  .min(1)
  .max(500)
  .refine((all) => all.isWellFormed(), { message: 'must be well-formed Unicode' });

/** Answers that any request may get: the routing was changed since `revision`; a passing trouble. */
const failures = [
  z.strictObject({ result: z.literal('conflict'), text }),
  z.strictObject({ result: z.literal('retry'), text }),
] as const;

export const inspectAnswerSchema = z.discriminatedUnion('result', [
  z.strictObject({
    result: z.literal('fit'),
    stableVersion: version,
    /** Longest a request may run, seconds; metrics settle that much later. */
    timeoutSeconds: z.number().min(0).max(3_600).optional(),
  }),
  z.strictObject({
    result: z.literal('unfit'),
    code: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
    text,
  }),
  ...failures,
]);

export const routingAnswerSchema = z.discriminatedUnion('result', [
  z.strictObject({
    result: z.literal('routing'),
    primary: version,
    /** Percent by version, without the primary. */
    weights: z.record(version, z.number().gt(0).max(100)),
    revision: z.string().min(1).max(256),
  }),
  ...failures,
]);

export const writeAnswerSchema = z.discriminatedUnion('result', [
  z.strictObject({ result: z.literal('done') }),
  ...failures,
]);
