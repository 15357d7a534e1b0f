import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinTerms, type ReadPlaces } from '#ledger/join-terms.ts';

/** Places of an index in memory; counts how often it is read. */
const memoryPlaces = (terms: Readonly<Record<string, readonly string[]>>) => {
  const counted = { reads: 0 };
  const read: ReadPlaces = async (term, { from, before }, limit) => {
    counted.reads += 1;
    return (terms[term] ?? [])
      .filter((place) => place >= from && (before === undefined || place < before))
      .slice(0, limit);
  };
  return { read, counted };
};

const place = (n: number): string => `2026-01-01T00:00:00.000Z#${String(n).padStart(16, '0')}`;

const readAll = async (read: ReadPlaces, terms: readonly string[], limit: number) => {
  const found: string[] = [];
  let from = '0';
  for (let pages = 0; ; pages += 1) {
    const page = await joinTerms(read, { terms, from, before: undefined, limit });
    expect(page.places.length).toBeLessThanOrEqual(limit);
    found.push(...page.places);
    if (page.next === undefined) return { found, pages: pages + 1 };
    from = page.next;
  }
};

describe('joining terms', () => {
  it('finds in pages exactly the places that all terms have, whatever the terms and the size of a page', async () => {
    const places = fc.uniqueArray(fc.nat(60), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(places, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        async (lists, limit) => {
          const sorted = lists.map((list) => list.toSorted((a, b) => a - b).map(place));
          const terms = Object.fromEntries(sorted.map((list, n) => [`t${n}`, list]));
          const { read } = memoryPlaces(terms);
          const expected = (sorted[0] ?? []).filter((at) => sorted.every((list) => list.includes(at)));
          expect((await readAll(read, Object.keys(terms), limit)).found).toEqual(expected);
        },
      ),
    );
  });

  it('reads as much as the rarest term takes, whichever place it stands at', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => place(n));
    for (const terms of [
      ['rare', 'common'],
      ['common', 'rare'],
    ]) {
      const { read, counted } = memoryPlaces({ common: many, rare: [place(3), place(19_999)] });
      expect((await readAll(read, terms, 10)).found).toEqual([place(3), place(19_999)]);
      expect(counted.reads).toBeLessThan(6);
    }
  });

  it('ends a page in time when two large terms have nothing in common, and says where to go on', async () => {
    const even = Array.from({ length: 30_000 }, (_, n) => place(2 * n));
    const odd = Array.from({ length: 30_000 }, (_, n) => place(2 * n + 1));
    const { read } = memoryPlaces({ even, odd, both: [...odd, place(60_002)] });
    const { found, pages } = await readAll(read, ['even', 'odd'], 10);
    expect(found).toEqual([]);
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(10);
  });

  it('stays before its end', async () => {
    const { read } = memoryPlaces({ a: [place(1), place(2), place(3)] });
    expect(await joinTerms(read, { terms: ['a'], from: '0', before: place(3), limit: 10 })).toEqual({
      places: [place(1), place(2)],
    });
  });
});
