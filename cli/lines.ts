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

const decode = (parts: readonly Uint8Array[], bytes: number): string | undefined => {
  if (bytes > LINE_BYTES_MAX) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch {
    return undefined;
  }
};

async function* chunksOf(file: string | undefined): AsyncGenerator<Buffer> {
  try {
    yield* file === undefined ? process.stdin : createReadStream(file);
  } catch (error) {
    throw systemFailure(error, file);
  }
}

/**
 * The lines of a file, or of standard input when there is none, empty ones left out. Only a line feed ends a line:
 * node's readline also splits at U+2028 and U+2029, which may stand unescaped inside a JSON string.
 */
export async function* readLines(file: string | undefined): AsyncGenerator<Line> {
  const source = chunksOf(file);
  let number = 0;
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const add = (part: Uint8Array) => {
    bytes += part.length;
    if (bytes <= LINE_BYTES_MAX) parts.push(part);
  };
  const take = (): Line => {
    number += 1;
    const line = { number, text: decode(parts, bytes) };
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      const line = take();
      if (line.text?.trim() !== '') yield line;
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (bytes === 0) return;
  const last = take();
  if (last.text?.trim() !== '') yield last;
}
