import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { checkpointObjectKey } from '#ledger/keys.ts';
import type { CheckpointVault } from '#ledger/seal.ts';
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
