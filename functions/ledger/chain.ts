import { canonicalRecord } from '#ledger/canonical.ts';
import { standardsOf } from '#ledger/controls.ts';
import { eventType, riskLevelOf } from '#ledger/event-types.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { type Disclosures, disclose, withhold } from '#ledger/personal.ts';
import { type LedgerRecord, RECORD_BYTES_MAX, RECORD_VERSION, type RecordDraft } from '#ledger/record.ts';
import { InvalidRequestError } from '#platform/errors.ts';

/** Where the chain ends: how many records there are and the last one's hash. */
export interface LedgerHead {
  readonly size: number;
  readonly hash: string;
}

/** What the first record links to. SHA-256 has no known input with this output, so no record can stand before it. */
export const GENESIS_HASH = '0'.repeat(64);

export const EMPTY_LEDGER: LedgerHead = { size: 0, hash: GENESIS_HASH };

/** A record with the exact text its hash covers, and what is kept beside that text. */
export interface LinkedRecord {
  readonly record: LedgerRecord;
  readonly canonical: string;
  readonly disclosures: Disclosures;
}

/** How a draft becomes a record, apart from its place in the chain. */
export interface Stamp {
  /** One ULID per draft. */
  readonly ids: readonly string[];
  /** When they are appended, and which of them come after the fact: through the queue of late records, or after their release's end. */
  readonly late?: { readonly at: string; readonly drafts: readonly boolean[] };
  /** 128 random bits in base64url, for each personal value. */
  readonly newSalt: () => string;
}

type RecordBody = Omit<LedgerRecord, 'recordHash' | 'salts'>;

const bodyOf = (
  draft: RecordDraft,
  seq: number,
  prevHash: string,
  id: string,
  lateAt?: string,
): RecordBody => {
  const { type, timestamp } = draft.event;
  const known = eventType(type);
  const controls = [...(draft.compliance?.controls ?? known.controls)];
  return {
    id,
    version: RECORD_VERSION,
    seq,
    prevHash,
    event: { type, timestamp, source: 'sluice' },
    change: { status: known.status, ...draft.change, type: known.changeType },
    actor: draft.actor,
    compliance: {
      standards: standardsOf(controls),
      controls,
      riskLevel: draft.compliance?.riskLevel ?? riskLevelOf(type, draft.change.environment),
    },
    data: lateAt === undefined ? draft.data : { ...draft.data, late: true, appendedAt: lateAt },
  };
};

const linkOne = (whole: RecordBody, newSalt: Stamp['newSalt']): LinkedRecord => {
  const { body, disclosures } = withhold(whole, newSalt);
  const canonical = canonicalRecord(body);
  const bytes = Buffer.byteLength(canonical, 'utf8');
  if (bytes > RECORD_BYTES_MAX)
    throw new InvalidRequestError(
      `a ${body.event.type} record would be ${bytes} bytes, ${RECORD_BYTES_MAX} is the most: store the evidence in S3 and put its SHA-256 digest and key into data`,
    );
  const record = disclose({ ...body, recordHash: leafHash(canonical) }, disclosures);
  return { record, canonical, disclosures };
};

/**
 * Numbers and links drafts (already checked against `recordDraftSchema`) onto a head.
 * @throws InvalidRequestError when a record's canonical form is longer than 65,535 bytes.
 */
export const linkRecords = (
  head: LedgerHead,
  drafts: readonly RecordDraft[],
  stamp: Stamp,
): { readonly records: readonly LinkedRecord[]; readonly head: LedgerHead } => {
  let { size, hash } = head;
  const records = drafts.map((draft, index) => {
    const id = stamp.ids[index];
    if (id === undefined) throw new RangeError(`no id for draft ${index}`);
    const lateAt = stamp.late?.drafts[index] ? stamp.late.at : undefined;
    const linked = linkOne(bodyOf(draft, size, hash, id, lateAt), stamp.newSalt);
    size += 1;
    hash = linked.record.recordHash;
    return linked;
  });
  return { records, head: { size, hash } };
};
