import { afterPlace } from '#ledger/record-filter.ts';

/** Places of one term from `from` on and before `before`, in order; fewer than `limit` only when there are no more. Consistent. */
export type ReadPlaces = (
  term: string,
  range: { readonly from: string; readonly before: string | undefined },
  limit: number,
) => Promise<readonly string[]>;

export interface Search {
  readonly terms: readonly string[];
  readonly from: string;
  readonly before: string | undefined;
  readonly limit: number;
}

/** `next`, where to go on, is absent when there are no more. A page may be shorter than asked for, even empty. */
export interface Found {
  readonly places: readonly string[];
  readonly next?: string;
}

/** Read at once of a term: many fit into a read unit. */
const READ_AHEAD = 500;

/** Reads of one search, so that an answer comes in time though two large terms have little in common. */
const READS_MAX = 40;

/** One term's places, read ahead; only ever asked for later ones. */
class Cursor {
  reads = 0;
  private ahead: readonly string[] = [];
  private exhausted = false;
  private readonly read: (from: string) => Promise<readonly string[]>;

  constructor(read: (from: string) => Promise<readonly string[]>) {
    this.read = read;
  }

  /** Whether the answer of `seek` is known without reading. */
  knows(from: string): boolean {
    const last = this.ahead.at(-1);
    return this.exhausted || (last !== undefined && last >= from);
  }

  async seek(from: string): Promise<string | undefined> {
    if (!this.knows(from)) {
      this.reads += 1;
      this.ahead = await this.read(from);
      this.exhausted = this.ahead.length < READ_AHEAD;
    }
    this.ahead = this.ahead.slice(
      Math.max(
        this.ahead.findIndex((place) => place >= from),
        0,
      ),
    );
    const [first] = this.ahead;
    return first !== undefined && first >= from ? first : undefined;
  }
}

/**
 * The places that all terms have, in order: each term is asked for its next place from where the others are at, until
 * all name the same one. So what is read depends on the rarest term, whichever that is, and nobody has to guess it.
 */
export const joinTerms = async (read: ReadPlaces, search: Search): Promise<Found> => {
  const { terms, before, limit } = search;
  const cursors = terms.map((term) => new Cursor((from) => read(term, { from, before }, READ_AHEAD)));
  const places: string[] = [];
  let candidate = search.from;
  for (let agreeing = 0, turn = 0; ; turn = (turn + 1) % cursors.length) {
    const cursor = cursors[turn];
    if (cursor === undefined) throw new RangeError('a search needs a term');
    const reads = cursors.reduce((sum, each) => sum + each.reads, 0);
    if (reads >= READS_MAX && !cursor.knows(candidate)) return { places, next: candidate };
    const found = await cursor.seek(candidate);
    if (found === undefined) return { places };
    agreeing = found === candidate ? agreeing + 1 : 1;
    candidate = found;
    if (agreeing < cursors.length) continue;
    if (places.length === limit) return { places, next: candidate };
    places.push(candidate);
    candidate = afterPlace(candidate);
    agreeing = 0;
  }
};
