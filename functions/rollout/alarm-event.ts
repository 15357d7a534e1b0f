import * as z from 'zod';
import { parseEvent } from '#releases/bus-event.ts';

export const ALARM_EVENT = 'CloudWatch Alarm State Change';

/** As CloudWatch puts it on the account's default bus (CloudWatch User Guide, "Alarm events and EventBridge"). */
const alarmEventSchema = z.object({
  id: z.string().min(1).max(100),
  'detail-type': z.literal(ALARM_EVENT),
  source: z.literal('aws.cloudwatch'),
  detail: z.object({
    alarmName: z.string().min(1).max(255),
    state: z.object({
      value: z.string(),
      reason: z.string().optional(),
      /** `2026-03-01T12:00:00.000+0000`: ISO 8601 without the colon. */
      timestamp: z.string().refine((text) => !Number.isNaN(Date.parse(text)), { message: 'must be a time' }),
    }),
  }),
});

/** An alarm that went into ALARM. */
export interface AlarmRaised {
  readonly name: string;
  readonly at: string;
  readonly reason: string | undefined;
}

/**
 * The alarm behind an event; undefined for one that went into another state.
 * @throws InvalidRequestError for what is no alarm's event.
 */
export const alarmOf = (received: unknown): AlarmRaised | undefined => {
  const { alarmName, state } = parseEvent(alarmEventSchema, received).detail;
  if (state.value !== 'ALARM') return undefined;
  return { name: alarmName, at: new Date(state.timestamp).toISOString(), reason: state.reason };
};
