import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { TILE_WIDTH } from '#ledger/merkle.ts';
import type { TileStore } from '#ledger/seal.ts';
import { bundleBytes, partialPrefix, type ReadTile, recordsIn, tilePath } from '#ledger/tiles.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

/** The object's name by C2SP tlog-tiles. */
const CHECKPOINT = 'checkpoint';

const TILES = 'the tiles';

/** Reads need the bucket's ListBucket too: without it S3 says of a missing object that it is forbidden. */
const readObject = async (
  client: S3Client,
  bucket: string,
  key: string,
  what: string,
): Promise<Uint8Array | undefined> => {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  try {
    const { Body } = await orTransient(what, client.send(command));
    return await Body?.transformToByteArray();
  } catch (error) {
    if (isNamed(error, 'NoSuchKey')) return undefined;
    throw error;
  }
};

/** `what`: what to call the bucket when it does not answer. */
export const s3TileReader =
  (client: S3Client, bucket: string, what = TILES): ReadTile =>
  async (tile) =>
    readObject(client, bucket, tilePath(tile), what);

/** A bundle, of the full one as many records as are asked for where the partial one is no more. */
export const s3BundleReader = (client: S3Client, bucket: string): ReadTile => {
  const read = s3TileReader(client, bucket);
  return async (tile) => {
    const found = await read(tile);
    if (found !== undefined || tile.width === TILE_WIDTH) return found;
    const full = await read({ ...tile, width: TILE_WIDTH });
    const records = full && recordsIn(full);
    return records && bundleBytes(records.slice(0, tile.width));
  };
};

/** The tree as files that never change but for `checkpoint`: C2SP tlog-tiles, for anyone's client. */
export const s3Tiles = (client: S3Client, bucket: string): TileStore => ({
  read: s3TileReader(client, bucket),
  write: async (tile, bytes) => {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: tilePath(tile),
      Body: bytes,
      ContentType: 'application/octet-stream',
    });
    await orTransient(TILES, client.send(command));
  },
  readCheckpoint: async () => {
    const bytes = await readObject(client, bucket, CHECKPOINT, TILES);
    return bytes && Buffer.from(bytes).toString('utf8');
  },
  writeCheckpoint: async (note) => {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: CHECKPOINT,
      Body: note,
      ContentType: 'text/plain; charset=utf-8',
      CacheControl: 'max-age=5',
    });
    await orTransient(TILES, client.send(command));
  },
  prune: async (place) => {
    // A place has 255 partial tiles at most, and a list a thousand names.
    const list = new ListObjectsV2Command({ Bucket: bucket, Prefix: partialPrefix(place) });
    const { Contents = [] } = await orTransient(TILES, client.send(list));
    if (Contents.length === 0) return;
    const Objects = Contents.map(({ Key }) => ({ Key }));
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } });
    await orTransient(TILES, client.send(command));
  },
});
