import * as z from 'zod';
import { waveNameSchema } from '#policy/wave-definition.ts';

export const CHECKS = [
  'setting',
  'target',
  'deployment',
  'permissions',
  'metrics',
  'errors',
  'latency',
  'probes',
  'plan',
  'ownership',
  'alarms',
] as const;
export type Check = (typeof CHECKS)[number];

/** `unknown` is what could not be looked at: neither good nor bad, and said as such. */
export const STATUSES = ['ok', 'warn', 'unknown', 'fail'] as const;
export type Status = (typeof STATUSES)[number];

/** One thing that was looked at: how it is, and what to do where something is. */
export const findingSchema = z.strictObject({
  /** Which of the environment's targets, where there are several. */
  wave: waveNameSchema.optional(),
  check: z.enum(CHECKS),
  status: z.enum(STATUSES),
  text: z.string().min(1),
  facts: z.record(z.string(), z.unknown()).optional(),
});
export type Finding = z.infer<typeof findingSchema>;

type Facts = Readonly<Record<string, unknown>>;

export const finding = (check: Check, status: Status, text: string, facts?: Facts): Finding => ({
  check,
  status,
  text,
  ...(facts && { facts }),
});

/** How everything is that was looked at: as its worst. */
export const worstOf = (findings: readonly Finding[]): Status =>
  STATUSES[Math.max(0, ...findings.map(({ status }) => STATUSES.indexOf(status)))] ?? 'ok';
