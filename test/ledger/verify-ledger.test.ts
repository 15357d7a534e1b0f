import { describe, expect, it } from 'vitest';
import { GENESIS_HASH } from '#ledger/chain.ts';
import type { StoredRecord } from '#ledger/export-line.ts';
import { type LedgerVerdict, verifyLedger } from '#ledger/verify-ledger.ts';
import { exportOf, forgedRecord, type LedgerExport, noteOf, publishedOf } from '../builders/ledger-export.ts';
import { aSigner, storedRecords } from '../fakes/memory-log.ts';

const signer = aSigner();
const stranger = aSigner();
const SIZES = [1, 2, 255, 256, 257, 70_000];
const LARGEST = 70_000;
const { records: all } = storedRecords(LARGEST);

interface Log {
  readonly records: readonly StoredRecord[];
  readonly sound: LedgerExport;
}

const logs = new Map<number, Promise<Log>>();
const logOf = (size: number): Promise<Log> => {
  const made =
    logs.get(size) ??
    (async () => {
      const records = all.slice(0, size);
      return { records, sound: await exportOf(records, signer) };
    })();
  logs.set(size, made);
  return made;
};

const verify = (found: LedgerExport, held?: string): Promise<LedgerVerdict> =>
  verifyLedger(found.lines, publishedOf(found), signer.key, { held });

/** First, last, and what lies at the edges of a tile. */
const placesOf = (size: number): readonly number[] =>
  [...new Set([0, 1, Math.floor(size / 3), 255, 256, size - 1])].filter((at) => at >= 0 && at < size);

const lineAt = ({ lines }: LedgerExport, at: number): string => lines[at] ?? expect.fail(`no line ${at}`);

/** Every record from `from` on written anew, with hashes that fit, without the key: the first one by `change`. */
const rewritten = (
  records: readonly StoredRecord[],
  from: number,
  change: (body: Record<string, unknown>) => Record<string, unknown>,
): readonly StoredRecord[] => {
  const anew = records.slice(0, from);
  let prevHash = anew.at(-1)?.recordHash ?? GENESIS_HASH;
  for (const [n, record] of records.slice(from).entries()) {
    const seq = from + n;
    const forged = forgedRecord({ ...record, seq }, (body) => ({
      ...(n === 0 ? change(body) : body),
      seq,
      prevHash,
    }));
    anew.push(forged);
    prevHash = forged.recordHash;
  }
  return anew;
};

const edit = (body: Record<string, unknown>) => ({ ...body, data: { n: -1 } });

/** The lines of other records with the checkpoints and tiles of the sound export. */
const withRecords = async (sound: LedgerExport, records: readonly StoredRecord[]): Promise<LedgerExport> => ({
  ...sound,
  lines: (await exportOf(records, signer, [])).lines,
});

const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(bytes, (byte, place) => (place === at ? byte ^ 1 : byte));

describe.each(SIZES)('an export of %i records', { timeout: 240_000 }, (size) => {
  it('is accepted untouched, with what was signed', async () => {
    const { records, sound } = await logOf(size);
    expect(await verify(sound)).toEqual({
      ok: true,
      records: size,
      head: { size, hash: records.at(-1)?.recordHash },
      signed: {
        size,
        root: sound.checkpoints.get(size)?.split('\n')[2],
        checkpoints: sound.checkpoints.size,
      },
    });
    for (const held of sound.checkpoints.values())
      expect(await verify(sound, held)).toMatchObject({ ok: true });
  });

  it('edited: content changed under its hash', async () => {
    const { sound } = await logOf(size);
    for (const at of placesOf(size)) {
      const line = lineAt(sound, at).replace(`"n":${at}`, `"n":7${at}`);
      expect(await verify({ ...sound, lines: sound.lines.with(at, line) }), String(at)).toMatchObject({
        ok: false,
        fault: 'edited',
        seq: at,
      });
    }
  });

  it('removed, reordered, inserted: lines', async () => {
    const { sound } = await logOf(size);
    for (const at of placesOf(size)) {
      const without = await verify({ ...sound, lines: sound.lines.toSpliced(at, 1) });
      const last = at === size - 1;
      expect(without, `without ${at}`).toMatchObject({
        ok: false,
        fault: last ? 'truncated' : 'removed',
        seq: at,
      });
      const twice = sound.lines.toSpliced(at, 0, lineAt(sound, at));
      expect(await verify({ ...sound, lines: twice }), `${at} twice`).toMatchObject({
        fault: 'inserted',
        seq: at,
      });
      if (last) continue;
      const swapped = sound.lines.with(at, lineAt(sound, at + 1)).with(at + 1, lineAt(sound, at));
      expect(await verify({ ...sound, lines: swapped }), `${at} swapped`).toMatchObject({
        fault: 'reordered',
        seq: at,
      });
    }
  });

  it('inconsistent: written anew from some record on, and the tiles say which', async () => {
    const { records, sound } = await logOf(size);
    for (const at of placesOf(size).slice(size > 1_000 ? 2 : 0)) {
      const forged = await withRecords(sound, rewritten(records, at, edit));
      expect(await verify(forged), `from ${at}`).toMatchObject({ ok: false, fault: 'inconsistent', seq: at });
    }
  });

  it('inconsistent: written anew with fitting tiles, known up to the last checkpoint that agrees', async () => {
    const { records, sound } = await logOf(size);
    const at = Math.floor(size / 3);
    const anew = await exportOf(rewritten(records, at, edit), stranger);
    const agreed = [...sound.checkpoints.keys()].filter((one) => one <= at).at(-1) ?? 0;
    const forged = { ...anew, checkpoints: sound.checkpoints };
    expect(await verify(forged)).toMatchObject({ ok: false, fault: 'inconsistent', seq: agreed });
  });

  it('inserted or removed with a chain that was mended', async () => {
    const { records, sound } = await logOf(size);
    const at = Math.floor(size / 2);
    const more = [...records.slice(0, at), ...records.slice(Math.max(at - 1, 0))];
    expect(await verify(await withRecords(sound, rewritten(more, at, edit)))).toMatchObject({
      ok: false,
      fault: 'inconsistent',
      seq: at,
    });
    if (size === 1) return;
    const fewer = records.toSpliced(at, 1);
    const mended = await verify(
      await withRecords(
        sound,
        rewritten(fewer, at, (body) => body),
      ),
    );
    expect(mended).toMatchObject({
      ok: false,
      fault: at === size - 1 ? 'truncated' : 'inconsistent',
      seq: at,
    });
  });

  it('inserted: a record behind the last one that is signed', async () => {
    const { sound } = await logOf(size);
    const { records: more } = storedRecords(size + 1);
    const longer = { ...sound, lines: (await exportOf(more, signer, [])).lines };
    expect(await verify(longer)).toMatchObject({ ok: false, fault: 'inserted', seq: size });
  });

  it('bad-signature: a checkpoint forged, signed by another key, of another log, or under another name', async () => {
    const { sound } = await logOf(size);
    const note = sound.checkpoints.get(size) ?? '';
    const root = Buffer.from(note.split('\n')[2] ?? '', 'base64');
    const before = [...sound.checkpoints.keys()].at(-2) ?? 0;
    const forgeries = [
      note.replace(`\n${size}\n`, `\n${size + 1}\n`),
      await noteOf(stranger, size, root),
      await noteOf(aSigner('another.log'), size, root),
      note.slice(0, note.indexOf('\n\n') + 2),
      '',
      note.replace('\u2014', '-'),
    ];
    for (const forged of forgeries) {
      const found = await verify({ ...sound, checkpoints: new Map([...sound.checkpoints, [size, forged]]) });
      expect(found, forged).toMatchObject({ ok: false, fault: 'bad-signature', seq: before });
    }
    const renamed = new Map([...sound.checkpoints].map(([at, one]) => [at === size ? size + 5 : at, one]));
    expect(await verify({ ...sound, checkpoints: renamed })).toMatchObject({ ok: false });
    expect(await verify({ ...sound, checkpoints: new Map() })).toMatchObject({
      fault: 'bad-signature',
      seq: 0,
    });
  });

  it('inconsistent: a checkpoint of a fork, signed by the log itself', async () => {
    const { records, sound } = await logOf(size);
    const fork = await exportOf(rewritten(records, size - 1, edit), signer);
    const held = fork.checkpoints.get(size);
    expect(await verify(sound, held)).toMatchObject({ ok: false, fault: 'inconsistent' });
    const both = { ...sound, checkpoints: new Map([...sound.checkpoints, [size, held ?? '']]) };
    expect(await verify(both)).toMatchObject({ ok: false, fault: 'inconsistent' });
  });

  it('a whole log forged under another key is refused; an old prefix is, against a checkpoint held', async () => {
    const { records, sound } = await logOf(size);
    const forged = await exportOf(rewritten(records, 0, edit), stranger);
    expect(await verify(forged)).toMatchObject({ ok: false, fault: 'bad-signature', seq: 0 });
    if (size === 1) return;
    const prefix = await exportOf(records.slice(0, size - 1), signer);
    expect(await verify(prefix)).toMatchObject({ ok: true });
    expect(await verify(prefix, sound.checkpoints.get(size))).toMatchObject({
      ok: false,
      fault: 'truncated',
      seq: size - 1,
    });
  });

  it('a tile or bundle that is missing, cut off, too long, or changed, with the first record that it is wrong about', async () => {
    const { sound } = await logOf(size);
    for (const [name, bytes] of sound.tiles) {
      // All kinds of places, not each of many hundreds.
      if (size > 1_000 && !/00[01]$|\.p\//.test(name)) continue;
      const spoil = (how?: Uint8Array) => {
        const tiles = new Map(sound.tiles);
        if (how === undefined) tiles.delete(name);
        else tiles.set(name, how);
        return verify({ ...sound, tiles });
      };
      const isBundle = name.startsWith('tile/entries');
      const first = Number(/\d{3}/.exec(name)?.[0]) * 256 ** (1 + Number(isBundle ? 0 : name[5]));
      expect(await spoil(), `${name} missing`).toMatchObject({ ok: false, fault: 'removed', seq: first });
      expect(await spoil(bytes.subarray(0, bytes.length - 1)), `${name} cut`).toMatchObject({
        ok: false,
        fault: 'truncated',
      });
      expect(await spoil(Buffer.concat([bytes, bytes.subarray(0, 32)])), `${name} longer`).toMatchObject({
        ok: false,
        fault: 'inconsistent',
      });
      expect(await spoil(flip(bytes, 5)), `${name} changed`).toMatchObject({
        ok: false,
        fault: 'inconsistent',
        seq: first,
      });
    }
  });
});
