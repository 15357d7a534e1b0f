import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalRecord } from '#ledger/canonical.ts';
import { leafHash } from '#ledger/leaf-hash.ts';
import { InvalidRequestError } from '#platform/errors.ts';

const doubleOf = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE();

/** RFC 8785 appendix B: the bits of a double and how it is written. */
const APPENDIX_B: readonly (readonly [string, string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

describe('the canonical form', () => {
  it.each(APPENDIX_B)('writes the double %s as %s', (hex, text) => {
    expect(canonicalJson(doubleOf(hex))).toBe(text);
  });

  it('is that of RFC 8785 section 3.2.2 for its example', () => {
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(input))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts names by UTF-16 code units, as in section 3.2.3', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33'];
    const canonical = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
    expect(Object.keys(JSON.parse(canonical)).toSorted()).toEqual(sorted.toSorted());
    expect(canonical).toBe(`{${sorted.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`);
  });

  it('does not exist for what JSON would drop or change without a word', () => {
    const holes: unknown[] = [];
    holes[1] = 0;
    const impossible = [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '\ud800',
      { '\udc00': 1 },
      { a: undefined },
      [undefined],
      holes,
      1n,
      Symbol('s'),
      () => 1,
      new Date(0),
      new Map(),
      Object(1),
      { toJSON: () => 1 },
    ];
    for (const value of impossible) expect(() => canonicalJson(value)).toThrow(InvalidRequestError);
  });

  it('of a record leaves out its hash and what is worked out on reading, and nothing else', () => {
    expect(canonicalRecord({ seq: 1, recordHash: 'x', verification: {}, data: { recordHash: 'y' } })).toBe(
      '{"data":{"recordHash":"y"},"seq":1}',
    );
  });
});

describe('the record hash', () => {
  it('is the leaf hash of RFC 6962', () => {
    // The leaf hash of the empty entry, as in Certificate Transparency's own reference vectors.
    expect(leafHash('')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  });

  it('covers UTF-8, not UTF-16', () => {
    // printf '\0\303\251' | sha256sum
    expect(leafHash('é')).toBe('7e8d20ac6fc3f5fff436df1f54b0ee0e0b387d4ed998b32231e796d689ceff3b');
  });
});
