import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leafHash } from '#ledger/leaf-hash.ts';
import { EMPTY_ROOT, type Hash, MerkleTree, TILE_WIDTH } from '#ledger/merkle.ts';
import { consistencyProof, inclusionProof, isConsistent, rootByInclusion } from '#ledger/proofs.ts';
import { edgeOf, type Tile, tileBytes, tilePath, widthIn } from '#ledger/tiles.ts';
import { mth, path, proof } from './rfc6962.ts';

const LARGEST = 70_000;
const leaves: readonly Hash[] = Array.from({ length: LARGEST }, (_, n) =>
  Buffer.from(leafHash(`record ${n}`), 'hex'),
);
const leafAt = (n: number): Hash => leaves[n] ?? new Uint8Array();

/** A tree with everything that it would write to the bucket. */
const planted = (size: number) => {
  const tree = new MerkleTree();
  const files = new Map<string, Uint8Array>();
  for (const leaf of leaves.slice(0, size))
    tree.append(leaf, (level, index, hashes) =>
      files.set(tilePath({ level, index, width: TILE_WIDTH }), tileBytes(hashes)),
    );
  for (const tile of edgeOf(size))
    if (tile.width > 0) files.set(tilePath(tile), tileBytes(tree.edge(tile.level)));
  return { tree, files, read: async (tile: Tile) => files.get(tilePath(tile)) };
};

const SIZES = [0, 1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 1_000];

describe('the tree', () => {
  it('has the roots of the reference test data of Certificate Transparency', () => {
    // Leaves and roots as in google/certificate-transparency, merkle_tree_test.
    const inputs = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ];
    const roots = [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ];
    const tree = new MerkleTree();
    inputs.forEach((input, n) => {
      tree.append(hash('sha256', Buffer.from(`00${input}`, 'hex'), 'buffer'));
      expect(Buffer.from(tree.root()).toString('hex')).toBe(roots[n]);
    });
    expect(Buffer.from(EMPTY_ROOT)).toEqual(hash('sha256', '', 'buffer'));
  });

  it.each(SIZES)('of %i leaves is that of RFC 6962', (size) => {
    expect(planted(size).tree.root()).toEqual(mth(leaves.slice(0, size)));
  });

  it('of 70,000 leaves has the tiles that the specification names', () => {
    const { tree, files } = planted(LARGEST);
    const widths = [...files].map(([name, bytes]) => [name, bytes.length / 32]);
    expect(widths.filter(([name]) => String(name).includes('.p/'))).toEqual([
      ['tile/0/273.p/112', 112],
      ['tile/1/001.p/17', 17],
      ['tile/2/000.p/1', 1],
    ]);
    expect(widths.filter(([, width]) => width === TILE_WIDTH)).toHaveLength(274);
    expect(files.get('tile/0/272')).toEqual(tileBytes(leaves.slice(272 * 256, 273 * 256)));
    expect(tree.root()).toEqual(mth(leaves));
  });

  it('grows on from its edge as if it had never stopped', () =>
    fc.assert(
      fc.property(fc.nat({ max: 1_000 }), fc.nat({ max: 600 }), (size, more) => {
        const { tree } = planted(size);
        const edge = edgeOf(size).map(({ level }) => tree.edge(level));
        for (const copy of [MerkleTree.fromEdge(size, edge), tree.clone()]) {
          expect(copy.root()).toEqual(tree.root());
          for (const leaf of leaves.slice(size, size + more)) copy.append(leaf);
          expect(copy.root()).toEqual(planted(size + more).tree.root());
        }
        expect(tree.size).toBe(size);
      }),
      { numRuns: 30 },
    ));
});

describe('proofs', () => {
  it.each([1, 2, 7, 256, 257, 1_000])(
    'of inclusion in %i leaves are those of RFC 6962, and verify',
    async (size) => {
      const { tree, read } = planted(size);
      for (const index of new Set(
        [0, 1, 2, 255, 256, size - 2, size - 1].filter((n) => n >= 0 && n < size),
      )) {
        const found = await inclusionProof(read, index, size);
        expect(found).toEqual(path(index, leaves.slice(0, size)));
        expect(rootByInclusion(leafAt(index), index, size, found)).toEqual(tree.root());
      }
    },
  );

  it('of consistency are those of RFC 6962, and verify', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), fc.nat({ max: 700 }), async (from, more) => {
        const [older, newer] = [planted(from), planted(from + more)];
        const found = await consistencyProof(newer.read, from, from + more);
        expect(found).toEqual(proof(from, leaves.slice(0, from + more)));
        const heads = [older, newer].map(({ tree }) => ({ size: tree.size, root: tree.root() }));
        expect(isConsistent(heads[0] as never, heads[1] as never, found)).toBe(true);
      }),
      { numRuns: 60 },
    ));

  it('of a tree whose partial tiles are gone rest on the full ones', async () => {
    const files = new Map([...planted(400).files, ...planted(600).files]);
    expect(files.delete('tile/0/001.p/144')).toBe(true);
    const found = await inclusionProof(async (tile) => files.get(tilePath(tile)), 300, 400);
    expect(rootByInclusion(leafAt(300), 300, 400, found)).toEqual(mth(leaves.slice(0, 400)));
    files.delete('tile/0/001');
    await expect(inclusionProof(async (tile) => files.get(tilePath(tile)), 300, 400)).rejects.toThrow(
      'tile 1 of level 0 is missing',
    );
  });

  it('do not verify with anything changed in them', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 600 }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('drop', 'add', 'flip', 'swap', 'index', 'size', 'leaf'),
        async (size, at, where, how) => {
          const { tree, read } = planted(size);
          const index = at % size;
          const sound = await inclusionProof(read, index, size);
          const place = where % sound.length;
          const flipped = sound.map((one, n) =>
            n === place ? Uint8Array.from(one, (byte, b) => (b === where % 32 ? byte ^ 1 : byte)) : one,
          );
          const [changed, i, n, leaf] = {
            drop: [sound.toSpliced(place, 1), index, size, leafAt(index)],
            add: [sound.toSpliced(place, 0, leafAt(where % LARGEST)), index, size, leafAt(index)],
            flip: [flipped, index, size, leafAt(index)],
            swap: [sound.toReversed(), index, size, leafAt(index)],
            index: [sound, (index + 1) % size, size, leafAt(index)],
            size: [sound, index, size + 2 ** Math.ceil(Math.log2(size)), leafAt(index)],
            leaf: [sound, index, size, leafAt(index + 1)],
          }[how] as [Hash[], number, number, Hash];
          fc.pre(how !== 'swap' || sound.length > 1);
          expect(rootByInclusion(leaf, i, n, changed)).not.toEqual(tree.root());
        },
      ),
      { numRuns: 300 },
    ));

  it('of consistency fail for another root, size or hash', async () => {
    const [older, newer] = [planted(300), planted(700)];
    const found = await consistencyProof(newer.read, 300, 700);
    const from = { size: 300, root: older.tree.root() };
    const to = { size: 700, root: newer.tree.root() };
    expect(isConsistent(from, to, found)).toBe(true);
    expect(isConsistent({ ...from, size: 301 }, to, found)).toBe(false);
    expect(isConsistent({ ...from, root: to.root }, to, found)).toBe(false);
    expect(isConsistent(from, { ...to, root: from.root }, found)).toBe(false);
    expect(isConsistent(to, from, found)).toBe(false);
    for (const n of found.keys()) {
      expect(isConsistent(from, to, found.toSpliced(n, 1))).toBe(false);
      expect(isConsistent(from, to, found.with(n, leafAt(n)))).toBe(false);
    }
    expect(isConsistent(from, from, [])).toBe(true);
    expect(isConsistent({ size: 0, root: EMPTY_ROOT }, to, [])).toBe(true);
  });
});

describe('the place of a tile', () => {
  it('is named as the specification says', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 'entries', index: 0, width: 5 })).toBe('tile/entries/000.p/5');
    expect(tilePath({ level: 2, index: 1_000, width: 256 })).toBe('tile/2/x001/000');
  });

  it('has the width of the specification', () =>
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 }), (size) => {
        for (const { level, width } of edgeOf(size))
          expect(width).toBe(Math.floor(size / 256 ** level) % 256);
        expect(widthIn({ level: 0, index: 0 }, size)).toBe(Math.min(size, 256));
      }),
    ));
});
