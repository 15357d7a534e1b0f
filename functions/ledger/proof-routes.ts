import * as z from 'zod';
import { TILE_WIDTH } from '#ledger/merkle.ts';
import { hashSchema } from '#ledger/record.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes, type Role } from '#platform/route.ts';

// As records: who may read them may prove them.
const AUDITORS: readonly Role[] = ['auditor', 'operator'];

/** A whole number as it stands in a path. */
const numberIn = (what: string) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,14})$/, `must be ${what}`)
    .transform(Number);

const checkpointSchema = z.strictObject({
  size: z.int().min(1),
  sealedAt: z.iso.datetime(),
  /** The signed note (C2SP tlog-checkpoint), word for word. */
  note: z.string(),
});

/** What proves the ledger; everything in it verifies without us. */
export const proofRoutes = defineRoutes({
  listCheckpoints: {
    method: 'GET',
    path: '/v1/audit/checkpoints',
    summary: 'Signed checkpoints of the ledger, oldest first, and the newest one',
    roles: AUDITORS,
    query: z.strictObject(pageQuery({ most: 1_000, usual: 100 })),
    responses: {
      200: z.strictObject({
        /** Hold it from elsewhere: what names its own key proves nothing. */
        key: z.string(),
        checkpoints: z.array(checkpointSchema),
        newest: checkpointSchema.optional(),
        next: z.string().optional(),
      }),
    },
  },
  getConsistency: {
    method: 'GET',
    path: '/v1/audit/checkpoints/{size}/consistency',
    summary: 'That the newest tree begins with the one of a checkpoint (RFC 6962 consistency proof)',
    roles: AUDITORS,
    params: z.object({ size: numberIn("a checkpoint's size") }),
    responses: {
      200: z.strictObject({
        from: z.int(),
        to: z.int(),
        /** Base64, as RFC 6962 section 2.1.2 orders them. */
        hashes: z.array(z.string()),
        checkpoint: z.string(),
      }),
    },
    problems: [404],
  },
  getProof: {
    method: 'GET',
    path: '/v1/audit/proofs/{index}',
    summary: 'A record, and a receipt that proves it on its own (C2SP tlog-proof)',
    roles: AUDITORS,
    params: z.object({ index: numberIn("a record's number") }),
    responses: {
      200: z.strictObject({
        index: z.int(),
        recordHash: hashSchema,
        /** The canonical text that the hash covers, byte for byte. */
        canonical: z.string(),
        receipt: z.string(),
      }),
    },
    problems: [404],
  },
  getTile: {
    method: 'GET',
    path: '/v1/audit/tiles/{level}/{index}',
    summary: 'A tile of the tree (C2SP tlog-tiles), as wide as asked for, or as at the newest checkpoint',
    roles: AUDITORS,
    params: z.object({
      level: z
        .string()
        .regex(/^[0-5]$/, 'must be a level of the tree, 0 to 5')
        .transform(Number),
      index: numberIn("a tile's place in its level"),
    }),
    query: z.strictObject({ width: z.coerce.number().int().min(1).max(TILE_WIDTH).optional() }),
    responses: {
      200: z.strictObject({
        path: z.string(),
        /** Base64 of 32 bytes a hash. */
        hashes: z.string(),
      }),
    },
    problems: [404],
  },
});
