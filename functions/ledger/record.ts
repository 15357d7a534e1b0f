import * as z from 'zod';
import { controlSchema, standardSchema } from '#ledger/controls.ts';
import { CHANGE_TYPES, eventTypeSchema, RISK_LEVELS } from '#ledger/event-types.ts';
import { jsonFault, LEDGER_JSON } from '#ledger/json-value.ts';
import { saltsSchema } from '#ledger/personal.ts';
import { actorSchema } from '#platform/actor.ts';
import { environmentNameSchema, releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';

export const RECORD_VERSION = '1.0';

/** A tile carries each record behind a uint16 of its length (C2SP tlog-tiles), so this is 2^16 − 1. */
export const RECORD_BYTES_MAX = 65_535;

/** RFC 3339, UTC, milliseconds: one spelling per instant, so that equal times are equal bytes. */
const timestampSchema = z.iso.datetime({ precision: 3, error: 'must be RFC 3339 in UTC with milliseconds' });

export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');

const statusSchema = z.string().min(1).max(60);

const changeDraftSchema = z.strictObject({
  service: serviceNameSchema.exactOptional(),
  environment: environmentNameSchema.exactOptional(),
  repository: z.string().min(1).max(200).exactOptional(),
  filesCount: z.int().min(0).exactOptional(),
  files: z.array(z.string().min(1).max(1_024)).readonly().exactOptional(),
  commitSha: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, 'must be a commit id')
    .exactOptional(),
  status: statusSchema.exactOptional(),
});

const complianceSchema = z.strictObject({
  standards: z.array(standardSchema).readonly(),
  controls: z.array(controlSchema).readonly(),
  riskLevel: z.enum(RISK_LEVELS),
});

const complianceDraftSchema = z.strictObject({
  controls: complianceSchema.shape.controls.exactOptional(),
  riskLevel: complianceSchema.shape.riskLevel.exactOptional(),
});

type Facts = Readonly<Record<string, unknown>>;

/** Facts of the event itself; `releaseId`, where there is one, is how a release's records are found again. */
const dataDraftSchema = z
  .custom<Facts>((data) => typeof data === 'object' && data !== null && !Array.isArray(data), {
    error: 'must be an object',
    abort: true,
  })
  .superRefine((data, context) => {
    const fault = jsonFault(data, LEDGER_JSON);
    if (fault !== undefined)
      context.addIssue({
        code: 'custom',
        message: fault.message,
        path: fault.path === '' ? [] : fault.path.split('.'),
      });
    if (data.releaseId !== undefined && !releaseIdSchema.safeParse(data.releaseId).success)
      context.addIssue({ code: 'custom', message: 'must be a release id', path: ['releaseId'] });
  });

/**
 * What a slice hands in. The writer adds what a slice can't know or mustn't choose: number, links, id, the kind of
 * change, the standards behind the controls; and, unless the slice says more exactly, status, controls and risk.
 */
export const recordDraftSchema = z.strictObject({
  event: z.strictObject({ type: eventTypeSchema, timestamp: timestampSchema }),
  change: changeDraftSchema,
  actor: actorSchema,
  compliance: complianceDraftSchema.exactOptional(),
  data: dataDraftSchema,
});
export type RecordDraft = z.input<typeof recordDraftSchema>;

export const ledgerRecordSchema = z.strictObject({
  id: z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'must be a ULID'),
  version: z.literal(RECORD_VERSION),
  seq: z.int().min(0),
  prevHash: hashSchema,
  event: z.strictObject({ type: eventTypeSchema, timestamp: timestampSchema, source: z.literal('sluice') }),
  change: changeDraftSchema.extend({ type: z.enum(CHANGE_TYPES), status: statusSchema }),
  actor: actorSchema,
  compliance: complianceSchema,
  data: z.record(z.string(), z.unknown()),
  recordHash: hashSchema,
  /** Of the personal values that are shown: with its salt each makes the digest that the hash covers. */
  salts: saltsSchema.exactOptional(),
});
export type LedgerRecord = z.infer<typeof ledgerRecordSchema>;
