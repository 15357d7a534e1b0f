import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect } from 'vitest';
import { awsSettings, world } from '../harness.ts';

const events = new EventBridgeClient(awsSettings);

export interface BusEvent {
  readonly detailType: string;
  readonly detail: object;
  readonly source?: string;
}

/** Puts one event on the bus and gives the id that it has there. */
export const putEvent = async ({
  detailType,
  detail,
  source = 'test.pipeline',
}: BusEvent): Promise<string> => {
  const entry = {
    EventBusName: world.busName,
    Source: source,
    DetailType: detailType,
    Detail: JSON.stringify(detail),
  };
  const { Entries = [] } = await events.send(new PutEventsCommand({ Entries: [entry] }));
  return Entries[0]?.EventId ?? expect.fail('the bus did not take the event');
};
