import * as z from 'zod';

/**
 * The controls that ledger records are evidence for, and the standard each belongs to. ISO 27001 ids are those of the
 * 2022 edition's Annex A.
 */
const STANDARD_OF_CONTROL = {
  'CC6.1': 'SOC2',
  'CC7.2': 'SOC2',
  'CC7.3': 'SOC2',
  'CC8.1': 'SOC2',
  'A.5.26': 'ISO27001',
  'A.8.32': 'ISO27001',
} as const;

export type Control = keyof typeof STANDARD_OF_CONTROL;
export type Standard = (typeof STANDARD_OF_CONTROL)[Control];

export const controlSchema = z.enum(Object.keys(STANDARD_OF_CONTROL) as [Control, ...Control[]]);
export const standardSchema = z.enum(['SOC2', 'ISO27001']);

/** Each standard once, in the order of the controls that name it. */
export const standardsOf = (controls: readonly Control[]): Standard[] => [
  ...new Set(controls.map((control) => STANDARD_OF_CONTROL[control])),
];
