import { describe, expect, it } from 'vitest';
import { openNote } from '#ledger/signed-note.ts';
import { exportOf } from '../builders/ledger-export.ts';
import { aSigner, storedRecords } from '../fakes/memory-log.ts';

const signer = aSigner();
const { checkpoints } = await exportOf(storedRecords(3).records, signer, [3]);
const note = checkpoints.get(3) ?? '';
const [, signature = ''] = note.split('\n\n');

describe('a signed note', () => {
  it('opens with the key that signed it', () => {
    expect(openNote(note, signer.key)).toMatchObject({ ok: true });
  });

  it('passes over what another key signed', () => {
    const other = `\u2014 witness.example ${Buffer.alloc(68, 7).toString('base64')}\n`;
    expect(openNote(note + other, signer.key)).toMatchObject({ ok: true });
  });

  it('is refused when one key signed it twice: a line was put there by somebody', () => {
    expect(openNote(note + signature, signer.key)).toEqual({
      ok: false,
      reason: 'it bears the signature of one key twice',
    });
  });
});
