import type { RecordDraft } from '#ledger/record.ts';
import { ConflictError } from '#platform/errors.ts';
import { batchId } from '#releases/release-records.ts';
import { appendOrSpool, type TellingPorts } from '#rollout/append-or-spool.ts';
import type { Decision } from '#rollout/decision.ts';
import type { Look } from '#rollout/look.ts';

/** Waits for the ledger before anything moves forward; a rollback doesn't, its records come late. */
const tell = async (
  ports: TellingPorts,
  decision: Decision,
  batch: string,
  drafts: readonly RecordDraft[],
): Promise<void> => {
  if (decision.verdict === 'restore') {
    await appendOrSpool(ports, batch, drafts);
    return;
  }
  try {
    await ports.ledger.append(batch, drafts);
  } catch (error) {
    // An earlier try of this look has told it; data that settled since makes this one differ.
    if (!(error instanceof ConflictError)) throw error;
  }
};

/**
 * Puts what a look has to tell into the ledger, each kind of record once a look. The kinds are batches of their own: a
 * look that is tried again sees more data, and what it then decides must not pass for the round that its first try told.
 * @throws TransientError when the ledger takes nothing and the release is not being rolled back.
 */
export const tellLook = async (
  ports: TellingPorts,
  look: Look,
  decision: Decision,
  drafts: readonly RecordDraft[],
): Promise<void> => {
  for (const type of new Set(drafts.map(({ event }) => event.type))) {
    const batch = batchId(look.release, 'step', look.step.index, 'look', look.state.looks, type);
    await tell(
      ports,
      decision,
      batch,
      drafts.filter(({ event }) => event.type === type),
    );
  }
};
