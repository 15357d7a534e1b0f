import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal that wants it: NO_COLOR and redirected output are respected. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** What a terminal obeys instead of showing it, and what shows text in another order than it has (Trojan Source). */
const OBEYED = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Text for a terminal, whoever wrote what is in it: what would be obeyed is shown as JSON escapes it, so that JSON still
 * means the same. Lines and tabs stay.
 */
export const visible = (text: string): string =>
  text.replace(OBEYED, (one) => (one === '\n' || one === '\t' ? one : escaped(one)));

const oneLine = (text: string): string => visible(text.replace(/[\r\n\t]+/g, ' '));

/** The same for words of ours that are made of a value, as the API gave it: no text in it makes a line of its own either. */
export const legible = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value), (_, part: unknown) => (typeof part === 'string' ? oneLine(part) : part));

/** For people on the way to an answer: kept out of what a script reads. */
export const remark = (text: string): void => console.error(visible(text));

/** One answer: words for people, made of what is legible of it, or JSON for scripts. */
export const answer = <T>(value: T, json: boolean | undefined, words: (shown: T) => string): void =>
  console.log(json === true ? visible(JSON.stringify(value, null, 2)) : words(legible(value)));

/** Columns as wide as their widest cell, two spaces between. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  return [paint('bold', line(header)), ...rows.map(line)].join('\n');
};
