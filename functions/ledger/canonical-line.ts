import { isUtf8 } from 'node:buffer';

/** What a record that is canonical to the letter says of its place, and the text that its hash covers. */
export interface CanonicalLine {
  readonly seq: number;
  readonly prevHash: string;
  readonly recordHash: string;
  readonly canonical: string;
}

const codeOf = (character: string): number => character.charCodeAt(0);
const [QUOTE, BACKSLASH, COMMA, COLON] = [codeOf('"'), codeOf('\\'), codeOf(','), codeOf(':')];
const [OBJECT, OBJECT_END, LIST, LIST_END] = [codeOf('{'), codeOf('}'), codeOf('['), codeOf(']')];
const [DIGIT_0, DIGIT_9] = [codeOf('0'), codeOf('9')];
const [SPACE, TILDE] = [codeOf(' '), codeOf('~')];

/** Any number of so few digits is a whole number that a double holds. */
const EXACT_DIGITS = 15;

/** Deeper than any record of ours; recursion must end somewhere. */
const DEPTH_MAX = 64;

const ESCAPED = new Set(Buffer.from('"\\bfnrt'));
/** The control characters that have no letter of their own: RFC 8785 section 3.2.2.2 writes them as `\u00xx`. */
const ESCAPED_BY_NUMBER = /^00(0[0-7be]|0f|1[0-9a-f])$/;

const WORDS = ['true', 'false', 'null'];
const IN_NUMBERS = new Set(Buffer.from('0123456789-+.eE'));

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Members of a record by which it stands in the chain; of all else it is only seen that it is canonical. */
type Link = 'prevHash' | 'recordHash' | 'seq' | 'verification';

const LINKS: readonly { readonly name: Link; readonly bytes: Buffer }[] = (
  ['prevHash', 'recordHash', 'seq', 'verification'] as const
).map((name) => ({ name, bytes: Buffer.from(name) }));

/**
 * Reads over text that is canonical by RFC 8785, byte by byte and once, and stops at the first byte that is not. Names
 * are plain ASCII here, whose order by bytes is the one by UTF-16 code units that the RFC asks for.
 */
class Scanner {
  /** Where the values of those stand that were read over. */
  readonly links: { [name in Link]?: Place } = {};
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Whether all of it is one object in its canonical form. */
  isCanonical(): boolean {
    return this.object(DEPTH_MAX) && this.at === this.bytes.length;
  }

  private take(byte: number): boolean {
    if (this.bytes[this.at] !== byte) return false;
    this.at += 1;
    return true;
  }

  private value(depth: number): boolean {
    switch (this.bytes[this.at]) {
      case QUOTE:
        return this.string();
      case OBJECT:
        return this.object(depth);
      case LIST:
        return this.list(depth);
      default:
        return this.number() || this.word();
    }
  }

  private object(depth: number): boolean {
    if (depth === 0 || !this.take(OBJECT)) return false;
    if (this.take(OBJECT_END)) return true;
    let [previousStart, previousEnd] = [0, 0];
    do {
      const nameStart = this.at + 1;
      const nameEnd = this.name();
      if (nameEnd === -1 || !this.isAfter(previousStart, previousEnd, nameStart, nameEnd)) return false;
      if (!this.take(COLON)) return false;
      const valueStart = this.at;
      if (!this.value(depth - 1)) return false;
      if (depth === DEPTH_MAX) this.note(nameStart, nameEnd, valueStart);
      previousStart = nameStart;
      previousEnd = nameEnd;
    } while (this.take(COMMA));
    return this.take(OBJECT_END);
  }

  private note(nameStart: number, nameEnd: number, start: number): void {
    for (const { name, bytes } of LINKS)
      if (bytes.length === nameEnd - nameStart && bytes.compare(this.bytes, nameStart, nameEnd) === 0)
        this.links[name] = { start, end: this.at };
  }

  /** Past a name, that is plain; where it ends, or -1. */
  private name(): number {
    const { bytes } = this;
    if (!this.take(QUOTE)) return -1;
    for (let { at } = this; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return at;
      }
      if (byte < SPACE || byte > TILDE || byte === BACKSLASH) return -1;
    }
    return -1;
  }

  /** Whether a name belongs behind the one before it, and is another one. */
  private isAfter(previousStart: number, previousEnd: number, start: number, end: number): boolean {
    const { bytes } = this;
    const previousLength = previousEnd - previousStart;
    const length = end - start;
    for (let place = 0; place < previousLength && place < length; place += 1) {
      const difference = (bytes[start + place] as number) - (bytes[previousStart + place] as number);
      if (difference !== 0) return difference > 0;
    }
    return previousStart === 0 || length > previousLength;
  }

  private list(depth: number): boolean {
    if (depth === 0) return false;
    this.at += 1;
    if (this.take(LIST_END)) return true;
    do if (!this.value(depth - 1)) return false;
    while (this.take(COMMA));
    return this.take(LIST_END);
  }

  private string(): boolean {
    const { bytes } = this;
    let at = this.at + 1;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (byte < SPACE) return false;
      if (byte === BACKSLASH) {
        const length = this.escapeAt(at);
        if (length === 0) return false;
        at += length;
      } else at += 1;
    }
    return false;
  }

  /** The length of the escape here; 0 when the canonical form has another spelling for what it means. */
  private escapeAt(at: number): number {
    const kind = this.bytes[at + 1] ?? 0;
    if (ESCAPED.has(kind)) return 2;
    const isNumber =
      kind === codeOf('u') && ESCAPED_BY_NUMBER.test(this.bytes.toString('latin1', at + 2, at + 6));
    return isNumber ? 6 : 0;
  }

  private word(): boolean {
    const { bytes, at } = this;
    const word = WORDS.find((known) => bytes.toString('latin1', at, at + known.length) === known);
    this.at += word?.length ?? 0;
    return word !== undefined;
  }

  /** The canonical form writes a number as ECMAScript does. */
  private number(): boolean {
    const { bytes, at: start } = this;
    let end = start;
    let isWhole = true;
    for (; end < bytes.length; end += 1) {
      const byte = bytes[end] as number;
      if (byte >= DIGIT_0 && byte <= DIGIT_9) continue;
      if (!IN_NUMBERS.has(byte)) break;
      isWhole = false;
    }
    const digits = end - start;
    const text = isWhole && digits <= EXACT_DIGITS ? undefined : bytes.toString('latin1', start, end);
    const isExact =
      text === undefined
        ? digits === 1 || (digits > 1 && bytes[start] !== DIGIT_0)
        : Number.isFinite(Number(text)) && String(Number(text)) === text;
    if (isExact) this.at = end;
    return isExact;
  }
}

const HASH = /^"[0-9a-f]{64}"$/;
const NUMBER = /^\d{1,15}$/;

const textOf = (line: Buffer, { start, end }: Place): string => line.toString('latin1', start, end);

/**
 * The record of a line that is canonical to the letter, in one pass over its bytes and without making an object of it:
 * such a text holds no name twice and no digit too many, and without its hash it is what the hash covers.
 * @returns undefined when the line is anything else, or has names beyond ASCII: it is then to be looked at with care.
 */
export const canonicalLine = (line: Buffer): CanonicalLine | undefined => {
  if (!isUtf8(line)) return undefined;
  const scanner = new Scanner(line);
  if (!scanner.isCanonical()) return undefined;
  const { prevHash, recordHash, seq, verification } = scanner.links;
  if (!prevHash || !recordHash || !seq || verification) return undefined;
  const link = {
    prevHash: textOf(line, prevHash),
    recordHash: textOf(line, recordHash),
    seq: textOf(line, seq),
  };
  if (!HASH.test(link.prevHash) || !HASH.test(link.recordHash) || !NUMBER.test(link.seq)) return undefined;
  // `seq` comes after `recordHash`, so there is a comma behind it.
  const member = recordHash.start - '"recordHash":'.length;
  const canonical = line.toString('utf8', 0, member) + line.toString('utf8', recordHash.end + 1, line.length);
  return {
    seq: Number(link.seq),
    prevHash: link.prevHash.slice(1, -1),
    recordHash: link.recordHash.slice(1, -1),
    canonical,
  };
};
