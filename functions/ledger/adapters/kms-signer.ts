import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import type { Signer } from '#ledger/seal.ts';
import { parseVkey, vkeyOf } from '#ledger/signed-note.ts';
import { orTransient } from '#platform/aws-errors.ts';

/** The verifier key of a KMS key, whose public half comes as DER (SubjectPublicKeyInfo). */
export const kmsVkey = async (client: KMSClient, keyId: string, origin: string): Promise<string> => {
  const { PublicKey } = await orTransient(
    'the signing key',
    client.send(new GetPublicKeyCommand({ KeyId: keyId })),
  );
  const { x } = createPublicKey({
    key: Buffer.from(PublicKey ?? []),
    format: 'der',
    type: 'spki',
  }).export({ format: 'jwk' });
  return vkeyOf(origin, Buffer.from(x ?? '', 'base64url'));
};

/** Signs with a key that never leaves KMS. */
export const kmsSigner = async (client: KMSClient, keyId: string, origin: string): Promise<Signer> => ({
  key: parseVkey(await kmsVkey(client, keyId, origin)),
  sign: async (text) => {
    const command = new SignCommand({
      KeyId: keyId,
      Message: Buffer.from(text, 'utf8'),
      MessageType: 'RAW',
      SigningAlgorithm: 'ED25519_SHA_512',
    });
    const { Signature } = await orTransient('the signing key', client.send(command));
    return Signature ?? new Uint8Array();
  },
});
