import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { checkpointObjectKey } from '#ledger/keys.ts';
import type { CheckpointVault } from '#ledger/seal.ts';
import type { FoundCheckpoint } from '#ledger/tree-witness.ts';
import { isNamed, orTransient } from '#platform/aws-errors.ts';

/** The bucket whose objects are locked. A checkpoint is put once: another version of it would be just as locked. */
export const s3Checkpoints = (client: S3Client, bucket: string): CheckpointVault => ({
  keep: async ({ size, note }) => {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: checkpointObjectKey(size),
      Body: note,
      ContentType: 'text/plain; charset=utf-8',
      IfNoneMatch: '*',
    });
    try {
      await orTransient('the bucket of checkpoints', client.send(command));
    } catch (error) {
      if (!isNamed(error, 'PreconditionFailed')) throw error;
    }
  },
});

/** A checkpoint as it lies under lock; one that is missing has no note, and so no signature. */
export const s3LockedCheckpoint =
  (client: S3Client, bucket: string) =>
  async (size: number): Promise<FoundCheckpoint> => {
    const name = checkpointObjectKey(size);
    try {
      const command = new GetObjectCommand({ Bucket: bucket, Key: name });
      const { Body } = await orTransient('the bucket of checkpoints', client.send(command));
      return { name, size, note: (await Body?.transformToString('utf8')) ?? '' };
    } catch (error) {
      if (isNamed(error, 'NoSuchKey')) return { name, size, note: '' };
      throw error;
    }
  };

/** A copy where this account has no say, in a bucket of another one. */
export const copyCheckpoint = async (
  client: S3Client,
  bucket: string,
  origin: string,
  { size, note }: FoundCheckpoint,
): Promise<void> => {
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: `${origin}/${checkpointObjectKey(size)}`,
    Body: note,
    ContentType: 'text/plain; charset=utf-8',
  });
  await orTransient('the bucket of copies', client.send(command));
};
