import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal that wants it: NO_COLOR and redirected output are respected. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** For people on the way to an answer: kept out of what a script reads. */
export const remark = (text: string): void => console.error(text);

/** One answer: words for people, or JSON for scripts. */
export const answer = (value: unknown, json: boolean | undefined, words: () => string): void =>
  console.log(json === true ? JSON.stringify(value, null, 2) : words());

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
