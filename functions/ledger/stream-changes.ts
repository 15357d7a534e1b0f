import * as z from 'zod';
import type { StreamChange } from '#ledger/publish-events.ts';

const numberAttribute = z.object({ N: z.string() }).transform(({ N }) => Number(N));
const stringAttribute = z.object({ S: z.string() }).transform(({ S }) => S);

/** Attributes that are absent or of another type stay out: an item like that is not ours, and is told as such. */
const itemSchema = z.object({
  seq: numberAttribute.optional().catch(undefined),
  recordHash: stringAttribute.optional().catch(undefined),
  canonical: stringAttribute.optional().catch(undefined),
});

/** A batch of the table's stream (view NEW_IMAGE), as Lambda hands it over, as changes. */
export const streamChangesSchema = z
  .object({
    Records: z.array(
      z.object({
        eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
        dynamodb: z.object({
          SequenceNumber: z.string(),
          Keys: itemSchema,
          NewImage: itemSchema.default({}),
        }),
      }),
    ),
  })
  .transform(({ Records }): readonly StreamChange[] =>
    Records.map(({ eventName, dynamodb: { SequenceNumber, Keys, NewImage } }) => ({
      kind: eventName,
      position: SequenceNumber,
      seq: Keys.seq,
      item: NewImage,
    })),
  );
