import { createReadStream } from 'node:fs';
import { systemFailure } from './failure.ts';

export interface Line {
  /** From 1, as editors count. */
  readonly number: number;
  /** Undefined when the line's bytes are no UTF-8, or more than anything of ours. */
  readonly text: string | undefined;
}

const NEWLINE = 0x0a;

/** Many times a ledger record; keeps a file without line ends from filling the memory. */
const LINE_BYTES_MAX = 4 * 1_024 * 1_024;

const CHUNK_BYTES = 256 * 1_024;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOf = (bytes: Uint8Array | undefined): string | undefined => {
  try {
    return bytes && decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

async function* chunksOf(file: string | undefined): AsyncGenerator<Buffer> {
  try {
    yield* file === undefined ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
  } catch (error) {
    throw systemFailure(error, file);
  }
}

/**
 * The lines of a file, or of standard input when there is none, as their bytes; undefined for one that is longer than
 * anything of ours. Only a line feed ends a line: node's readline also splits at U+2028 and U+2029, which may stand
 * unescaped inside a JSON string.
 */
export async function* readByteLines(file: string | undefined): AsyncGenerator<Buffer | undefined> {
  const source = chunksOf(file);
  /** The beginning of a line whose end is in a later chunk. */
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= LINE_BYTES_MAX) parts.push(part);
  };
  const take = (): Buffer | undefined => {
    const line = bytes > LINE_BYTES_MAX ? undefined : Buffer.concat(parts);
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end);
      start = end + 1;
      if (bytes === 0) yield rest;
      else {
        add(rest);
        yield take();
      }
    }
    add(chunk.subarray(start));
  }
  if (bytes > 0) yield take();
}

/** The same as text, empty lines left out. */
export async function* readLines(file: string | undefined): AsyncGenerator<Line> {
  let number = 0;
  for await (const bytes of readByteLines(file)) {
    number += 1;
    const text = textOf(bytes);
    if (text?.trim() !== '') yield { number, text };
  }
}
