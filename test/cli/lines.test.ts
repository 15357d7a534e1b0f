import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readByteLines, readLines } from '../../cli/lines.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'lines-'));
const file = path.join(directory, 'file');
afterAll(() => rmSync(directory, { recursive: true }));

const allOf = async <T>(lines: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

/** A line's bytes are there until the next is asked for. */
async function* copies(lines: AsyncIterable<Buffer | undefined>): AsyncGenerator<string | undefined> {
  for await (const line of lines) yield line?.toString();
}

it.each([1, 1_000, 262_143, 262_144, 262_145, 700_000])(
  'gives lines of %d bytes as they are, wherever the pieces end in which the file comes',
  async (length) => {
    const lines = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(length));
    for (const end of ['\n', '']) {
      writeFileSync(file, lines.join('\n') + end);
      expect(await allOf(copies(readByteLines(file)))).toEqual(lines);
    }
  },
);

it('ends a line at a line feed and nowhere else, and counts those that it leaves out', async () => {
  writeFileSync(file, 'one\u2028\u2029\u0085\r\n\n \ufeff \nfour');
  expect(await allOf(readLines(file))).toEqual([
    { number: 1, text: 'one\u2028\u2029\u0085\r' },
    { number: 4, text: 'four' },
  ]);
});

it('says of what is no text, or longer than anything of ours, that it can not be read, and goes on', async () => {
  writeFileSync(
    file,
    Buffer.concat([Buffer.from([0x61, 0xff, 0x0a]), Buffer.alloc(4_194_305, 'x'), Buffer.from('\nlast')]),
  );
  expect(await allOf(readLines(file))).toEqual([
    { number: 1, text: undefined },
    { number: 2, text: undefined },
    { number: 3, text: 'last' },
  ]);
  expect((await allOf(copies(readByteLines(file))))[1]).toBeUndefined();
});
