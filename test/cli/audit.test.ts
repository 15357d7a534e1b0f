import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { EMPTY_LEDGER } from '#ledger/chain.ts';
import { inclusionProof } from '#ledger/proofs.ts';
import { receiptText } from '#ledger/receipt.ts';
import { type ReadTile, tilePath } from '#ledger/tiles.ts';
import { exportOf, type LedgerExport, writeExport } from '../builders/ledger-export.ts';
import { aSigner, storedRecords } from '../fakes/memory-log.ts';

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const aside = mkdtempSync(path.join(tmpdir(), 'sluice-audit-'));
const directory = path.join(aside, 'export');
afterAll(() => rmSync(aside, { recursive: true }));

const sluice = (args: readonly string[], input = '') => {
  const { SLUICE_API: _, SLUICE_TOKEN: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'audit', ...args], {
    env: { ...env, HOME: aside, XDG_CONFIG_HOME: aside },
    input,
    encoding: 'utf8',
  });
  const answers = stdout.split('\n').filter((line) => line.startsWith('{'));
  return { status, stderr, answers: answers.map((line) => JSON.parse(line)) };
};

const COUNT = 5;
const signer = aSigner();
// A line separator stands unescaped in JSON, and is no end of a line.
const { records, head } = storedRecords(COUNT, EMPTY_LEDGER, (n) => ({ n, note: 'one\u2028line' }));
const sound = await exportOf(records, signer, [3, COUNT]);
const { lines } = sound;

const verify = (changed: Partial<LedgerExport> = {}, ...args: readonly string[]) => {
  writeExport(directory, { ...sound, ...changed });
  return sluice(['verify', '--export', directory, '--key', signer.vkey, ...args]);
};

/** A file beside the export. */
const fileOf = (name: string, content: string | Buffer): string => {
  const file = path.join(aside, name);
  writeFileSync(file, content);
  return file;
};

describe('sluice audit verify', { timeout: 60_000 }, () => {
  it('says what it checked and, as plainly, what it could not prove', () => {
    const { status, answers } = verify();
    expect(status).toBe(0);
    expect(answers).toMatchObject([
      { ok: true, records: COUNT, head, signed: { size: COUNT, checkpoints: 2 }, checked: expect.any(Array) },
    ]);
    expect(answers[0].notProven).toEqual([
      expect.stringMatching(/^completeness: .*--checkpoint/),
      expect.stringMatching(/^whose log it is/),
      expect.stringMatching(/^that what the records tell is true/),
    ]);
  });

  it('proves completeness against a checkpoint held from elsewhere', async () => {
    const known = ['--checkpoint', fileOf('held', sound.checkpoints.get(COUNT) ?? '')];
    const whole = verify({}, ...known);
    expect(whole.status).toBe(0);
    expect(whole.answers[0].notProven).toHaveLength(2);
    const older = verify({}, '--checkpoint', fileOf('older', sound.checkpoints.get(3) ?? ''));
    expect(older.answers[0].notProven[0]).toMatch(/^completeness after record 4: .* ends at 2$/);
    const cut = verify(await exportOf(records.slice(0, 3), signer, [3]), ...known, '--json');
    expect(cut.status).toBe(1);
    expect(cut.answers).toMatchObject([{ ok: false, fault: 'truncated', seq: 3 }]);
  });

  it('names the first broken record and exits with 1', () => {
    const { status, answers } = verify({ lines: lines.with(2, lines[2]?.replace('"n":2', '"n":3') ?? '') });
    expect(status).toBe(1);
    expect(answers).toEqual([{ ok: false, fault: 'edited', seq: 2, text: expect.any(String) }]);
  });

  it('does not take a byte that is no UTF-8 for the character it resembles', () => {
    verify();
    const content = lines.join('\n').replace('one\u2028line', 'one\u00e9line');
    writeFileSync(path.join(directory, 'records.jsonl'), Buffer.from(content, 'latin1'));
    expect(sluice(['verify', '--export', directory, '--key', signer.vkey])).toMatchObject({
      status: 1,
      answers: [{ ok: false, fault: 'edited', seq: 0 }],
    });
  });

  it.each(['tile/0/001', 'tile/0/000.p/4', 'tile/3/000', 'tile/note.txt', 'tile/entries/x001/000'])(
    'finds a file that is none of the export: %s',
    (name) => {
      const tiles = new Map([...sound.tiles, [name, Buffer.alloc(32)]]);
      expect(verify({ tiles })).toMatchObject({ status: 1, answers: [{ ok: false, fault: 'inserted' }] });
    },
  );

  it('finds a file that is no checkpoint among them', () => {
    verify();
    writeFileSync(path.join(directory, 'checkpoints', 'latest'), sound.checkpoints.get(3) ?? '');
    expect(sluice(['verify', '--export', directory, '--key', signer.vkey])).toMatchObject({
      status: 1,
      answers: [{ ok: false, fault: 'bad-signature' }],
    });
  });

  it('needs records and checkpoints, and is content without tiles', () => {
    expect(verify({ tiles: new Map() })).toMatchObject({ status: 0, answers: [{ ok: true }] });
    expect(verify({ checkpoints: new Map(), tiles: new Map() })).toMatchObject({
      status: 1,
      answers: [{ ok: false, fault: 'bad-signature', seq: 0 }],
    });
  });

  it.each([
    ['without an export', ['verify']],
    ['without a key', ['verify', '--export', directory]],
    ['with a key that is none', ['verify', '--export', directory, '--key', 'sluice+00000000+AQ==']],
    ['with a directory that holds none', ['verify', '--export', tmpdir(), '--key', signer.vkey]],
    ['with an unknown option', ['verify', '--export', directory, '--key', signer.vkey, '--trust']],
  ])('is wrong usage %s: 2, and a reason', (_, args) => {
    const { status, stderr } = sluice(args);
    expect(status).toBe(2);
    expect(stderr).not.toBe('');
  });
});

describe('sluice audit proof', { timeout: 60_000 }, () => {
  const check = async (index: number, record: string, size = COUNT) => {
    const read: ReadTile = async (tile) => sound.tiles.get(tilePath(tile));
    const receipt = receiptText({
      index,
      proof: await inclusionProof(read, index, size),
      checkpoint: sound.checkpoints.get(size) ?? '',
    });
    const files = ['--receipt', fileOf('receipt', receipt), '--record', fileOf('record', record)];
    return sluice(['proof', ...files, '--key', signer.vkey]);
  };

  it('checks a receipt against the key alone, for the record as a line of an export or canonical', async () => {
    const { canonical, recordHash } = records[2] ?? expect.fail('no record 2');
    for (const record of [canonical, `${lines[2]}\n`])
      expect(await check(2, record)).toMatchObject({
        status: 0,
        answers: [{ ok: true, index: 2, size: COUNT, recordHash }],
      });
  });

  it('refuses another record, and another key', async () => {
    expect(await check(2, lines[3] ?? '')).toMatchObject({
      status: 1,
      answers: [{ ok: false, fault: 'inconsistent' }],
    });
    const edited = lines[2]?.replace('"n":2', '"n":4') ?? '';
    expect(await check(2, edited)).toMatchObject({
      status: 1,
      answers: [{ ok: false, fault: 'inconsistent' }],
    });
    const files = ['--receipt', path.join(aside, 'receipt'), '--record', fileOf('record', lines[2] ?? '')];
    expect(sluice(['proof', ...files, '--key', aSigner().vkey])).toMatchObject({
      status: 1,
      answers: [{ ok: false, fault: 'bad-signature' }],
    });
  });

  it('says what it needs', () => {
    expect(sluice(['proof']).status).toBe(2);
    expect(sluice(['proof', 'abc']).status).toBe(2);
    const { status, stderr } = sluice(['proof', '1']);
    expect(status).toBe(3);
    expect(stderr).toMatch(/sluice login/);
  });
});

describe('sluice audit hash', { timeout: 60_000 }, () => {
  it("gives each record's canonical bytes and hash, from standard input or a file", () => {
    const expected = records.map(({ recordHash, canonical }) => ({
      canonical: Buffer.from(canonical).toString('base64'),
      recordHash,
    }));
    expect(sluice(['hash'], lines.join('\n'))).toMatchObject({ status: 0, answers: expected });
    const file = path.join(directory, 'some.jsonl');
    writeFileSync(file, `${lines.join('\n')}\n`);
    expect(sluice(['hash', file]).answers).toEqual(expected);
  });

  it.each([
    ['not JSON', '{"a":1'],
    ['a name twice', '{"a":1,"a":2}'],
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['a number beyond all numbers', '{"a":1e999}'],
  ])('stops at a bad line (%s), gives its number, and exits with 2', (_, bad) => {
    const { status, stderr, answers } = sluice(['hash'], `{"a":1}\n\n${bad}\n{"a":2}\n`);
    expect(status).toBe(2);
    expect(stderr).toMatch(/line 3: ./);
    expect(answers).toHaveLength(1);
  });
});

it('tells the user of a Node that is too old what to do', () => {
  const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.20.2"}})';
  const { status, stderr } = spawnSync(process.execPath, ['--import', old, CLI], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/this is Node 20\.20\.2; sluice runs on Node 24/);
});
