import { type OpenedCheckpoint, openCheckpoint, type TreeHead } from '#ledger/checkpoint.ts';
import { compareTile, firstDifference, type WrongTile } from '#ledger/compare-tile.ts';
import { HASH_BYTES, type Hash, hashesIn, MerkleTree, sameHash, TILE_WIDTH } from '#ledger/merkle.ts';
import type { VerifierKey } from '#ledger/signed-note.ts';
import { edgeOf, firstRecordOf, type ReadTile, type Tile, widthIn } from '#ledger/tiles.ts';
import { type Broken, broken, type Witness } from '#ledger/verify-chain.ts';

/** A checkpoint as it lies there: whether it is one is seen when it is its turn. */
export interface FoundCheckpoint {
  /** What to call it in a sentence: a file's name, or whose it is. */
  readonly name: string;
  /** The size that it is said to be of; the records up to there come before it. */
  readonly size: number;
  readonly note: string;
}

/** What was signed and published of a ledger, beside its records. */
export interface Published {
  /** By their sizes, smallest first. */
  readonly checkpoints: AsyncIterable<FoundCheckpoint> | Iterable<FoundCheckpoint>;
  /** The size of the tree that the tiles are of. */
  readonly tiledSize: number;
  /** Absent where there are no tiles, or no bundles, to compare with. */
  readonly tiles?: ReadTile | undefined;
  readonly bundles?: ReadTile | undefined;
}

/** What a witness found to be signed. */
export interface Signed {
  readonly checkpoints: number;
  /** The newest that agreed with the records. */
  readonly head: TreeHead | undefined;
}

/**
 * Grows the tree over the records that it is shown, and compares it with every checkpoint, tile and bundle on its way.
 * One pass is the proof of consistency between all checkpoints, and its memory does not grow with the ledger.
 *
 * Records and tiles can both have been changed. What was signed decides: at the first checkpoint that the records do not
 * agree with, the tiles, if they agree, say which record it is; otherwise it is known only between which two
 * checkpoints it stands.
 */
export class TreeWitness implements Witness {
  private readonly tree: MerkleTree;
  /** The tree at the last checkpoint that agreed. */
  private agreed: MerkleTree;
  private signed: Signed;
  private wrong: WrongTile | undefined;
  /** The first record since the last agreement that is not the one in the tiles. */
  private differs: number | undefined;
  private due: { readonly tile: Tile; readonly hashes: readonly Hash[] }[] = [];
  private texts: string[] = [];
  private readonly coming: AsyncIterator<FoundCheckpoint>;
  private next: FoundCheckpoint | undefined;
  private begun = false;
  private stopAt: number;
  private readonly published: Published;
  private readonly key: VerifierKey;

  /** `from`: a tree that is known to be signed, to go on from. */
  constructor(published: Published, key: VerifierKey, from: MerkleTree = new MerkleTree()) {
    this.published = published;
    this.key = key;
    this.tree = from.clone();
    this.agreed = from.clone();
    this.stopAt = from.size;
    this.signed = {
      checkpoints: 0,
      head: from.size === 0 ? undefined : { size: from.size, root: from.root() },
    };
    this.coming = inOrder(published.checkpoints);
  }

  get found(): Signed {
    return this.signed;
  }

  get stop(): number {
    return this.stopAt;
  }

  add({
    link,
    canonical,
  }: {
    readonly link: { readonly recordHash: string };
    readonly canonical: string;
  }): void {
    if (this.published.bundles !== undefined) this.texts.push(canonical);
    this.tree.append(Buffer.from(link.recordHash, 'hex'), (level, index, hashes) =>
      this.due.push({ tile: { level, index, width: TILE_WIDTH }, hashes }),
    );
  }

  async arrive(): Promise<Broken | undefined> {
    if (!this.begun) {
      this.begun = true;
      await this.advance();
    } else await this.compareTiles();
    const { size } = this.tree;
    while (this.next !== undefined && this.next.size <= size) {
      const fault = await this.compareCheckpoint(this.next);
      if (fault !== undefined) return fault;
      await this.advance();
    }
    this.stopAt = this.nextStop();
    return undefined;
  }

  async end(): Promise<Broken | undefined> {
    const { size } = this.tree;
    if (this.next !== undefined) {
      const opened = this.open(this.next);
      if (!opened.ok) return this.badCheckpoint(this.next, opened.reason);
      const seq = await this.locate(opened.head);
      return seq === undefined
        ? broken(
            'truncated',
            size,
            `the records end with ${size} of the ${opened.head.size} that ${this.next.name} signs: the rest is missing`,
          )
        : this.notTheSigned(seq, this.next);
    }
    const covered = this.signed.head?.size ?? 0;
    if (covered === size) return undefined;
    return this.signed.head === undefined
      ? broken(
          'bad-signature',
          0,
          'there is no checkpoint: nothing shows that these are the records that were written',
        )
      : broken(
          'inserted',
          covered,
          `no checkpoint signs the records from ${covered} on: they were added, or are newer than the export's checkpoints`,
        );
  }

  /** A full tile, a checkpoint, or the edge of what was published, whatever comes first. */
  private nextStop(): number {
    const { size } = this.tree;
    const stops = [this.next?.size ?? 0, this.published.tiledSize].filter((at) => at > size);
    return Math.min((Math.floor(size / TILE_WIDTH) + 1) * TILE_WIDTH, ...stops);
  }

  private async advance(): Promise<void> {
    const step = await this.coming.next();
    this.next = step.done === true ? undefined : step.value;
  }

  private open({ note, size }: FoundCheckpoint): OpenedCheckpoint {
    const opened = openCheckpoint(note, this.key);
    return opened.ok && opened.head.size !== size
      ? {
          ok: false,
          reason: `it is signed for ${opened.head.size} records, not for those that its name says`,
        }
      : opened;
  }

  private badCheckpoint({ name }: FoundCheckpoint, reason: string): Broken {
    return broken('bad-signature', this.agreed.size, `${name} can't be trusted: ${reason}`);
  }

  private notTheSigned(seq: number, { name }: FoundCheckpoint): Broken {
    return broken(
      'inconsistent',
      seq,
      `the chain holds together but is not the one that ${name} signs: record ${seq} is another one than the tiles show, and all later ones were given new hashes`,
    );
  }

  /** The tiles that became full since the last stop, and the ones at the edge when the published tree ends here. */
  private async compareTiles(): Promise<void> {
    const { size } = this.tree;
    const { tiles, bundles, tiledSize } = this.published;
    const edge = size === tiledSize ? edgeOf(size).filter(({ width }) => width > 0) : [];
    const atEdge = edge.map((tile) => ({ tile, hashes: this.tree.edge(tile.level) }));
    for (const { tile, hashes } of [...this.due.splice(0), ...atEdge]) {
      if (tiles === undefined || firstRecordOf(tile) >= tiledSize) continue;
      const found = await tiles(tile);
      this.suspect(compareTile(tile, hashes, found));
      if (tile.level === 0 && found !== undefined) this.differ(firstRecordOf(tile), hashes, hashesIn(found));
    }
    const index = Math.ceil(size / TILE_WIDTH) - 1;
    const first = index * TILE_WIDTH;
    if (bundles !== undefined && (size % TILE_WIDTH === 0 || size === tiledSize) && index >= 0) {
      const tile: Tile = { level: 'entries', index, width: size - first };
      // Whoever goes on in the middle of a bundle hasn't read its beginning.
      if (this.texts.length === tile.width) this.suspect(compareTile(tile, this.texts, await bundles(tile)));
    }
    if (size % TILE_WIDTH === 0) this.texts = [];
  }

  private suspect(wrong: WrongTile | undefined): void {
    if (wrong !== undefined && (this.wrong === undefined || wrong.seq < this.wrong.seq)) this.wrong = wrong;
  }

  private differ(first: number, ours: readonly Hash[], theirs: readonly Hash[]): void {
    const place = firstDifference(ours, theirs, sameHash);
    if (this.differs === undefined && place < Math.min(ours.length, theirs.length))
      this.differs = first + place;
  }

  private async compareCheckpoint(found: FoundCheckpoint): Promise<Broken | undefined> {
    const opened = this.open(found);
    if (!opened.ok) return this.badCheckpoint(found, opened.reason);
    const { head } = opened;
    if (sameHash(this.tree.root(), head.root)) {
      if (this.wrong !== undefined) return this.wrong.told;
      this.agreed = this.tree.clone();
      this.differs = undefined;
      this.signed = { checkpoints: this.signed.checkpoints + 1, head };
      return undefined;
    }
    const seq = await this.locate(head);
    if (seq !== undefined) return this.notTheSigned(seq, found);
    return broken(
      'inconsistent',
      this.agreed.size,
      `the chain holds together but is not the one that ${found.name} signs: some record from ${this.agreed.size} to ${head.size - 1} was edited, inserted or removed, and all later ones were given new hashes; or the checkpoint is of another history of the same log`,
    );
  }

  /** The first record that is not the signed one, if the tiles are those of the signed tree and so can tell. */
  private async locate(head: TreeHead): Promise<number | undefined> {
    const { tiles, tiledSize } = this.published;
    if (tiles === undefined || head.size > tiledSize) return undefined;
    const shadow = this.agreed.clone();
    const edgeFirst = Math.floor(this.tree.size / TILE_WIDTH) * TILE_WIDTH;
    while (shadow.size < head.size) {
      const index = Math.floor(shadow.size / TILE_WIDTH);
      const width = widthIn({ level: 0, index }, tiledSize);
      const bytes = await tiles({ level: 0, index, width });
      if (bytes === undefined || bytes.length !== width * HASH_BYTES) return undefined;
      const hashes = hashesIn(bytes);
      if (index * TILE_WIDTH === edgeFirst) this.differ(edgeFirst, this.tree.edge(0), hashes);
      for (const hash of hashes.slice(shadow.size % TILE_WIDTH, head.size - index * TILE_WIDTH))
        shadow.append(hash);
    }
    return sameHash(shadow.root(), head.root) ? this.differs : undefined;
  }
}

async function* inOrder<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
