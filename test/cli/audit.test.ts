import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { aDraft } from '../ledger/drafts.ts';

const CLI = fileURLToPath(new URL('../../cli/sluice.mjs', import.meta.url));
const directory = mkdtempSync(path.join(tmpdir(), 'sluice-audit-'));
afterAll(() => rmSync(directory, { recursive: true }));

const sluice = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'audit', ...args], {
    input,
    encoding: 'utf8',
  });
  const answers = stdout.split('\n').filter((line) => line.startsWith('{'));
  return { status, stderr, answers: answers.map((line) => JSON.parse(line)) };
};

const COUNT = 5;
const { records, head } = linkRecords(
  EMPTY_LEDGER,
  // A line separator stands unescaped in JSON, and is no end of a line.
  Array.from({ length: COUNT }, (_, n) => aDraft({ n, note: 'one\u2028line' })),
  { ids: Array.from({ length: COUNT }, () => '01JGXQ00000000000000000000') },
);
const lines = records.map(({ record }) => JSON.stringify(record));

const verify = (content: string | Buffer, ...args: readonly string[]) => {
  writeFileSync(path.join(directory, 'records.jsonl'), content);
  return sluice(['verify', '--export', directory, ...args]);
};

describe('sluice audit verify', () => {
  it('says what it checked and, as plainly, what it could not prove', () => {
    const { status, answers } = verify(`${lines.join('\n')}\n`);
    expect(status).toBe(0);
    expect(answers).toMatchObject([{ ok: true, records: COUNT, head }]);
    expect(answers[0].notProven).toEqual([
      expect.stringMatching(/^completeness: .*--head/),
      expect.stringMatching(/^originality/),
      expect.stringMatching(/^authorship: .*no signed checkpoint/),
    ]);
  });

  it('proves completeness against a head held from elsewhere', () => {
    const known = ['--head', `${head.size}:${head.hash}`];
    const whole = verify(lines.join('\n'), ...known);
    expect(whole.status).toBe(0);
    expect(whole.answers[0].notProven).toEqual([expect.stringMatching(/^authorship/)]);
    const cut = verify(lines.slice(0, -1).join('\n'), ...known, '--json');
    expect(cut.status).toBe(1);
    expect(cut.answers).toMatchObject([{ ok: false, fault: 'truncated', seq: COUNT - 1 }]);
  });

  it('names the first broken record and exits with 1', () => {
    const { status, answers } = verify(lines.join('\n').replace('"n":2', '"n":3'));
    expect(status).toBe(1);
    expect(answers).toEqual([{ ok: false, fault: 'edited', seq: 2, text: expect.any(String) }]);
  });

  it('does not take a byte that is no UTF-8 for the character it resembles', () => {
    const content = Buffer.from(lines.join('\n').replace('one\u2028line', 'one\u00e9line'), 'latin1');
    expect(verify(content)).toMatchObject({ status: 1, answers: [{ ok: false, fault: 'edited', seq: 0 }] });
  });

  it.each([
    ['without an export', ['verify']],
    ['with a directory that holds none', ['verify', '--export', tmpdir()]],
    ['with a head of another form', ['verify', '--export', directory, '--head', '5']],
    ['with an unknown option', ['verify', '--export', directory, '--trust']],
  ])('is wrong usage %s: 2, and a reason', (_, args) => {
    const { status, stderr } = sluice(args);
    expect(status).toBe(2);
    expect(stderr).not.toBe('');
  });
});

describe('sluice audit hash', () => {
  it("gives each record's canonical bytes and hash, from standard input or a file", () => {
    const expected = records.map(({ record, canonical }) => ({
      canonical: Buffer.from(canonical).toString('base64'),
      recordHash: record.recordHash,
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
