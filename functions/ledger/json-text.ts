/** One token of JSON text. Strings are unrolled loops, so that a long one costs no backtracking. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\]:,]|true|false|null/g;

/** What JSON.parse accepts without a word although two readers may understand it differently. */
export interface Ambiguity {
  readonly kind: 'duplicate-key' | 'inexact-number';
  readonly text: string;
}

/** A decimal as sign, digits without zeros around them, and power of ten: equal for equal values, however written. */
const decimalOf = (token: string): string => {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`;
};

/** Whether a double holds what the text says; `0.1` counts, as the number that prints as 0.1. */
const isExact = (token: string): boolean => decimalOf(token) === decimalOf(JSON.stringify(Number(token)));

/**
 * Every place of `json` (text that JSON.parse accepts) that another reader could take for something else. Of two
 * members with one name JSON.parse keeps the last and other readers the first; digits beyond a double's are lost here
 * and kept elsewhere. Either way a text could show one thing and hash as another.
 */
export function* ambiguitiesOf(json: string): Generator<Ambiguity> {
  /** Names seen so far in each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  let previous = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const names = open.at(-1);
      const name = JSON.parse(previous) as string;
      if (names?.has(name)) yield { kind: 'duplicate-key', text: `the name ${previous} stands twice` };
      names?.add(name);
    } else if (/^[-\d]/.test(token) && !isExact(token))
      yield { kind: 'inexact-number', text: `${token} has more digits than a number can hold` };
    previous = token;
  }
}
