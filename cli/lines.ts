import { open } from 'node:fs/promises';
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

const PIECE_BYTES = 256 * 1_024;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOf = (bytes: Uint8Array | undefined): string | undefined => {
  try {
    return bytes && decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

/** A file piece by piece in one buffer, so that a large one leaves nothing behind in the memory. */
async function* piecesOf(file: string): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(PIECE_BYTES);
  const handle = await open(file);
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function* sourceOf(file: string | undefined): AsyncGenerator<Buffer> {
  try {
    yield* file === undefined ? process.stdin : piecesOf(file);
  } catch (error) {
    throw systemFailure(error, file);
  }
}

/**
 * The lines of a file, or of standard input when there is none, as their bytes; undefined for one that is longer than
 * anything of ours. A line is there until the next is asked for, and not to be kept. Only a line feed ends one: node's
 * readline also splits at U+2028 and U+2029, which may stand unescaped inside a JSON string.
 */
export async function* readByteLines(file: string | undefined): AsyncGenerator<Buffer | undefined> {
  const source = sourceOf(file);
  /** The beginning of a line whose end is in a later piece. */
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= LINE_BYTES_MAX) parts.push(Buffer.from(part));
  };
  const take = (): Buffer | undefined => {
    const line = bytes > LINE_BYTES_MAX ? undefined : Buffer.concat(parts);
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const piece of source) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      const rest = piece.subarray(start, end);
      start = end + 1;
      if (bytes === 0) yield rest;
      else {
        add(rest);
        yield take();
      }
    }
    add(piece.subarray(start));
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
