import type { LedgerPage, LedgerReader } from '#ledger/append.ts';
import { joinTerms, type ReadPlaces } from '#ledger/join-terms.ts';
import type { LedgerRecord } from '#ledger/record.ts';
import { matches, placeOf, type RecordFilter, seqOfPlace, termsOfFilter } from '#ledger/record-filter.ts';

export interface SearchPorts {
  readonly readPlaces: ReadPlaces;
  readonly byNumbers: LedgerReader['byNumbers'];
}

export interface SearchPage {
  readonly records: readonly LedgerRecord[];
  readonly next?: string;
}

/** Before every time there is. */
const FIRST = '0';

/**
 * Records that are what `filter` asks for, by the time of their events. The index says where to look and the ledger
 * what stands there: an index that was tampered with can hide a record, and can't make one up.
 */
export const searchRecords = async (
  { readPlaces, byNumbers }: SearchPorts,
  filter: RecordFilter,
  page: { readonly position: string | undefined; readonly limit: number },
): Promise<SearchPage> => {
  const found = await joinTerms(readPlaces, {
    terms: termsOfFilter(filter),
    from: [page.position ?? FIRST, filter.from ?? FIRST].toSorted().at(-1) as string,
    before: filter.to,
    limit: page.limit,
  });
  const records = await byNumbers(found.places.map(seqOfPlace));
  const next = records.length < found.places.length ? found.places[records.length] : found.next;
  return {
    records: records.filter(
      (record, index) => matches(record, filter) && placeOf(record) === found.places[index],
    ),
    ...(next !== undefined && { next }),
  };
};

/** One release's records that are what `filter` asks for, in the order of the ledger. */
export const ofRelease = (page: LedgerPage, filter: RecordFilter): LedgerPage => ({
  ...page,
  records: page.records.filter((record) => matches(record, filter)),
});
