import { beginsSomething, isTerminal } from '#ledger/event-types.ts';
import type { RecordDraft } from '#ledger/record.ts';
import { ConflictError } from '#platform/errors.ts';

/** The one batch that ends a release: it holds the terminal record, and its being there says that there is one. */
export const conclusionOf = (releaseId: string): string => `${releaseId}/concluded`;

/** The releases that a batch tells of, apart from the one that it ends. */
export const releasesToldOf = (batchId: string, drafts: readonly RecordDraft[]): readonly string[] => {
  const ids = drafts.map(({ data }) => data.releaseId).filter((id) => typeof id === 'string');
  return [...new Set(ids)].filter((releaseId) => conclusionOf(releaseId) !== batchId);
};

const isOf = ({ data }: RecordDraft, ended: ReadonlySet<string>): boolean =>
  typeof data.releaseId === 'string' && ended.has(data.releaseId);

/**
 * Which of these drafts tell of a release that has ended: they are late. An outcome may be, for what was under way when
 * the release ended had its effect all the same, and an auditor is to see it for what it is.
 * @throws ConflictError when one says that something begins now, or ends the release once more: neither is true.
 */
export const afterTheEnd = (drafts: readonly RecordDraft[], ended: ReadonlySet<string>): readonly boolean[] =>
  drafts.map((draft) => {
    if (!isOf(draft, ended)) return false;
    const { type } = draft.event;
    if (beginsSomething(type) || isTerminal(type))
      throw new ConflictError(
        `release ${draft.data.releaseId} has its terminal record: ${type} can't come after it, and what it tells of is not to be done`,
      );
    return true;
  });
