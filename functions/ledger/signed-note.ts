import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { InvalidRequestError } from '#platform/errors.ts';

/** The type byte of an Ed25519 key and signature (C2SP signed-note, "Signature types"). */
const ED25519 = 0x01;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;

/** More signatures than any witness network adds; a note is read before it is trusted. */
const NOTE_BYTES_MAX = 65_536;

/** Whose signature a note must bear: the note's verifier key (vkey) taken apart. */
export interface VerifierKey {
  readonly name: string;
  readonly id: Uint8Array;
  readonly publicKey: KeyObject;
}

const keyIdOf = (name: string, publicKey: Uint8Array): Uint8Array =>
  hash(
    'sha256',
    Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), Uint8Array.of(ED25519), publicKey]),
    'buffer',
  ).subarray(0, KEY_ID_BYTES);

/** A key's name stands between spaces in a signature line and before a plus in a vkey. */
const isKeyName = (name: string): boolean => name !== '' && !/[\s+\u0085]/u.test(name);

const verifierKey = (name: string, publicKey: Uint8Array): VerifierKey => ({
  name,
  id: keyIdOf(name, publicKey),
  publicKey: createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
  }),
});

/** The verifier key of a 32-byte Ed25519 public key: `name+hash+base64`, as people pass it on. */
export const vkeyOf = (name: string, publicKey: Uint8Array): string =>
  [
    name,
    Buffer.from(keyIdOf(name, publicKey)).toString('hex'),
    Buffer.from([ED25519, ...publicKey]).toString('base64'),
  ].join('+');

/** @throws InvalidRequestError when `vkey` is none, is of another kind, or its hash is not that of name and key. */
export const parseVkey = (vkey: string): VerifierKey => {
  const refuse = (reason: string) =>
    new InvalidRequestError(`this is no verifier key: ${reason}; it looks like NAME+HASH+BASE64`);
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey) ?? [];
  if (name === undefined || id === undefined || encoded === undefined || !isKeyName(name))
    throw refuse('it has another form');
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 1 + PUBLIC_KEY_BYTES || bytes[0] !== ED25519)
    throw refuse('it is of another kind than Ed25519');
  const key = verifierKey(name, bytes.subarray(1));
  if (Buffer.from(key.id).toString('hex') !== id) throw refuse('its hash is not that of its name and key');
  return key;
};

/** A note of `text`, which ends in a line feed, with one Ed25519 signature over it. */
export const signedNote = (text: string, key: VerifierKey, signature: Uint8Array): string =>
  `${text}\n\u2014 ${key.name} ${Buffer.concat([key.id, signature]).toString('base64')}\n`;

export type OpenedNote =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

interface NoteSignature {
  readonly name: string;
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

const signatureOf = (line: string): NoteSignature | undefined => {
  const [, name, encoded] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
  if (name === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded
    ? { name, id: bytes.subarray(0, KEY_ID_BYTES), bytes: bytes.subarray(KEY_ID_BYTES) }
    : undefined;
};

const refused = (reason: string): OpenedNote => ({ ok: false, reason });

/**
 * The text of a note that `key` signed. Signatures of other keys are passed over, as the specification asks; one that
 * says to be of this key and is not refuses the whole note.
 */
export const openNote = (note: string, key: VerifierKey): OpenedNote => {
  if (Buffer.byteLength(note, 'utf8') > NOTE_BYTES_MAX) return refused('it is longer than any checkpoint');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note must not hold.
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) return refused('it holds control characters');
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) return refused('it has no signature');
  const text = note.slice(0, split + 1);
  const signatures = note
    .slice(split + 2, -1)
    .split('\n')
    .map(signatureOf);
  if (signatures.includes(undefined)) return refused('a signature line is malformed');
  const ours = signatures.filter(
    (signature) => signature?.name === key.name && Buffer.compare(signature.id, key.id) === 0,
  );
  if (ours.length === 0) {
    const others = [...new Set(signatures.map((signature) => signature?.name))].join(', ');
    return refused(`it is not signed by the key you gave, but by another one (${others})`);
  }
  // One key signs once: a line that stands twice was put there by somebody.
  if (ours.length > 1) return refused('it bears the signature of one key twice');
  const genuine = ours.every(
    (signature) =>
      signature?.bytes.length === SIGNATURE_BYTES &&
      verify(null, Buffer.from(text, 'utf8'), key.publicKey, signature.bytes),
  );
  return genuine ? { ok: true, text } : refused('its signature is not that of the key you gave');
};
