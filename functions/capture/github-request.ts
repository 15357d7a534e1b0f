import * as z from 'zod';
import type { Delivery } from '#capture/github-delivery.ts';
import { InvalidRequestError } from '#platform/errors.ts';
import { parseOrRefuse } from '#platform/faults.ts';

const headersSchema = z.object({
  'x-github-delivery': z
    .string()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a GUID, as GitHub sends it')
    .transform((id) => id.toLowerCase()),
  'x-github-event': z.string().regex(/^[a-z_]{1,60}$/, 'must be the name of an event'),
  'content-type': z
    .string()
    .regex(
      /^application\/json *(;|$)/i,
      'must be application/json: choose it in the settings of the webhook',
    ),
});

/**
 * What a request delivers. Its signature has been checked by now.
 * @throws InvalidRequestError naming what is wrong, for whoever reads the delivery's answer in GitHub.
 */
export const deliveryOf = (
  request: { readonly bytes: Buffer; readonly headers: Readonly<Record<string, string | undefined>> },
  receivedAt: string,
): Delivery => {
  const headers = parseOrRefuse(headersSchema, request.headers, 'the delivery');
  const { 'x-github-delivery': id, 'x-github-event': kind } = headers;
  try {
    return { id, kind, payload: JSON.parse(request.bytes.toString('utf8')), receivedAt };
  } catch (cause) {
    throw new InvalidRequestError(
      'the delivery is not JSON: redeliver it, and if it is refused again look at it in GitHub, under Recent Deliveries',
      { cause },
    );
  }
};
