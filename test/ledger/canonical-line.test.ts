import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '#ledger/canonical.ts';
import { canonicalLine } from '#ledger/canonical-line.ts';
import { ambiguitiesOf } from '#ledger/json-text.ts';

const LINK = { prevHash: '0'.repeat(64), recordHash: 'a'.repeat(64), seq: 7 };

const read = (line: string) => canonicalLine(Buffer.from(line));
const lineOf = (data: unknown) => canonicalJson({ ...LINK, data });
/** What a record says, with the text of its data put in as it is. */
const lineWith = (data: string) => lineOf(null).replace('"data":null', () => `"data":${data}`);

const isCanonical = (json: string): boolean => {
  try {
    return canonicalJson(JSON.parse(json)) === json && [...ambiguitiesOf(json)].length === 0;
  } catch {
    return false;
  }
};

describe('a line that is canonical to the letter', () => {
  it('says where it stands, and what its hash covers', () => {
    const { recordHash, ...body } = LINK;
    const data = { nested: [1, { a: 'b', c: 'é \u2028 😀' }], '': {}, z: [] };
    expect(read(lineOf(data))).toEqual({ ...LINK, canonical: canonicalJson({ ...body, data }) });
  });

  it.each([
    '"\\b\\t\\n\\f\\r\\"\\\\/"',
    '"\\u0000\\u0007\\u000b\\u000e\\u000f\\u0010\\u001f"',
    '"\\\\ud800"',
    '"\u007f\ufeff\uffff"',
    '[0,-1,1.5,1e+21,1e-7,123456789012345,9007199254740991,5e-324]',
    '[true,false,null,{},[],""]',
    '{"":1,"A":2,"a":3,"a1":4,"aa":5}',
  ])('may hold %s', (data) => {
    expect(isCanonical(data)).toBe(true);
    expect(read(lineWith(data))).toMatchObject(LINK);
  });

  it.each([
    '"\\u0008"',
    '"\\u001F"',
    '"\\u0041"',
    '"\\/"',
    '"\\ud800"',
    '"\u0001"',
    '-0',
    '01',
    '1.0',
    '1E3',
    '1e3',
    '1e999',
    '9007199254740993',
    '0.1000000000000000055',
    '-',
    '+1',
    '.5',
    'NaN',
    'tru',
    'enull',
    '-true',
    'nul',
    '[1,]',
    '[1 ]',
    '[',
    '{"b":1,"a":2}',
    '{"a":1,"a":2}',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    '"open',
    '',
  ])('can not hold %s', (data) => {
    expect(isCanonical(data)).toBe(false);
    expect(read(lineWith(data))).toBeUndefined();
  });

  it('is one record from end to end, with a sound link', () => {
    const line = lineOf(1);
    for (const other of [
      ` ${line}`,
      `${line} `,
      `${line}\r`,
      `${line}${line}`,
      `\u{feff}${line}`,
      line.slice(0, -1),
      '[]',
      '{}',
      '',
      canonicalJson({ ...LINK, verification: {} }),
      canonicalJson({ ...LINK, seq: -1 }),
      canonicalJson({ ...LINK, seq: 1.5 }),
      canonicalJson({ ...LINK, seq: '7' }),
      canonicalJson({ ...LINK, prevHash: 'A'.repeat(64) }),
      canonicalJson({ ...LINK, recordHash: ['a'] }),
      canonicalJson({ data: LINK }),
    ])
      expect(read(other), other).toBeUndefined();
    expect(canonicalLine(Buffer.from(lineWith('"é"'), 'latin1'))).toBeUndefined();
  });

  it('is not recognised in any other text, however it came about', () => {
    const json = fc.json({ maxDepth: 3 }).map((text) => canonicalJson(JSON.parse(text)));
    fc.assert(
      fc.property(json, fc.nat(), fc.string({ maxLength: 2 }), fc.nat({ max: 2 }), (text, at, put, cut) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + put + text.slice(place + cut);
        const found = read(lineWith(changed));
        if (found === undefined) return;
        // What was put in may reach out of `data`: then the whole line must be canonical.
        expect(canonicalJson(JSON.parse(lineWith(changed)))).toBe(lineWith(changed));
        const { recordHash: _, ...body } = JSON.parse(lineWith(changed));
        expect(found.canonical).toBe(canonicalJson(body));
      }),
      { numRuns: 20_000 },
    );
  });

  it('is recognised in whatever a record can hold', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_. '), maxLength: 5 });
    const data = fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).map((value) => ({ value }));
    const anything = fc.oneof(data, fc.dictionary(name, fc.oneof(fc.double({ noNaN: true }), fc.string())));
    fc.assert(
      fc.property(anything, (value) => {
        const line = lineOf(JSON.parse(JSON.stringify(value)));
        const hasPlainNames = [...line.matchAll(/"((?:[^"\\]|\\.)*)":/g)].every(([, at = '']) =>
          /^[ -[\]-~]*$/.test(at),
        );
        if (hasPlainNames) expect(read(line)).toMatchObject(LINK);
      }),
      { numRuns: 5_000 },
    );
  });
});
