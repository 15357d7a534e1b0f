import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type BusEntry, callsOf, type Unpublished } from '#ledger/publish-events.ts';

/** Tries for the entries of one call that EventBridge did not take, before the stream has to come again. */
const TRIES = 3;
const PAUSE_MILLISECONDS = 100;

interface Pacing {
  /** In [0, 1). */
  random(): number;
  sleep(milliseconds: number): Promise<void>;
}

/**
 * Puts entries on the bus, in order as far as EventBridge keeps one, and tells of the first that could not be put;
 * `undefined` when all are there. What follows the first failure is not tried: it comes again with it.
 */
export const publishEntries = async (
  client: EventBridgeClient,
  busName: string,
  entries: readonly BusEntry[],
  pacing: Pacing,
): Promise<Unpublished | undefined> => {
  /** PutEvents answers entry by entry; a call that fails as a whole has put none. */
  const put = async (call: readonly BusEntry[]): Promise<{ left: readonly BusEntry[]; reason: unknown }> => {
    const command = new PutEventsCommand({
      Entries: call.map(({ source, detailType, detail, time }) => ({
        EventBusName: busName,
        Source: source,
        DetailType: detailType,
        Detail: detail,
        Time: time,
      })),
    });
    try {
      const { Entries: answers = [] } = await client.send(command);
      const left = call.filter((_, index) => answers[index]?.EventId === undefined);
      return { left, reason: answers.find((answer) => answer.EventId === undefined)?.ErrorCode };
    } catch (reason) {
      return { left: call, reason };
    }
  };

  for (const call of callsOf(entries)) {
    let { left, reason } = await put(call);
    for (let attempt = 1; left[0] !== undefined; attempt += 1) {
      if (attempt === TRIES) return { position: left[0].position, reason };
      await pacing.sleep(pacing.random() * PAUSE_MILLISECONDS * 2 ** attempt);
      ({ left, reason } = await put(left));
    }
  }
  return undefined;
};
