import { mayWithhold, withheldIn } from '../functions/ledger/personal.ts';

/** More numbers than this tell nobody more. */
const NAMED_MAX = 20;

/** What an export does not show of its records, though it proves them. */
export interface Withheld {
  /** Records with a digest in place of a personal value. */
  readonly records: number;
  /** The first of those that no record `ledger.redacted` accounts for: whoever made the export kept their values back. */
  readonly unexplained: readonly number[];
}

const numbersIn = (value: unknown): readonly number[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [];

/** Looks at the lines of an export as they go by; what it says counts once they are verified. */
export class WithheldWatch {
  private records = 0;
  private readonly open = new Set<number>();

  see(line: string | Buffer): void {
    const isRedaction = line.includes('"type":"ledger.redacted"');
    if (!isRedaction && !mayWithhold(line)) return;
    let record: { readonly seq?: unknown; readonly data?: { readonly records?: unknown } };
    try {
      record = JSON.parse(line.toString());
    } catch {
      return;
    }
    if (withheldIn(record).length > 0) {
      this.records += 1;
      this.open.add(Number(record.seq));
    }
    if (isRedaction) for (const seq of numbersIn(record.data?.records)) this.open.delete(seq);
  }

  get found(): Withheld {
    return { records: this.records, unexplained: [...this.open].slice(0, NAMED_MAX) };
  }
}

export const withheldSentences = ({ records, unexplained }: Withheld): readonly string[] => [
  ...(records === 0
    ? []
    : [`redacted: ${records} records have a digest where a personal value was; every hash and proof holds`]),
  ...(unexplained.length === 0
    ? []
    : [
        `withheld: no record tells of a redaction of ${unexplained.join(', ')}; whoever made the export kept these values back`,
      ]),
];
