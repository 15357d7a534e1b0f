import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ambiguitiesOf } from '#ledger/json-text.ts';

const kindsOf = (json: string) => {
  JSON.parse(json);
  return [...ambiguitiesOf(json)].map(({ kind }) => kind);
};

describe('ambiguous JSON', () => {
  it.each([
    ['{"a":1,"a":1}', ['duplicate-key']],
    ['{"a":1,"\\u0061":1}', ['duplicate-key']],
    ['[{"a":{"b":1,"c":[{"b":1}],"b":2}}]', ['duplicate-key']],
    ['{"a":{"a":{"a":"a"}},"b":["a","a"]}', []],
    ['[{"a":1},{"a":1}]', []],
    ['{"a\\":":1,"a":":","b":"\\"a\\":1,\\"a\\":"}', []],
    ['[1.0,1e2,100,-0,0.10,1E-7,5e-324,123456789012345680000]', []],
    ['[9007199254740993]', ['inexact-number']],
    ['[0.1000000000000000055511151231257827]', ['inexact-number']],
    ['[1e400,1e-400]', ['inexact-number', 'inexact-number']],
  ])('%s: %j', (json, kinds) => {
    expect(kindsOf(json)).toEqual(kinds);
  });

  it('is nothing that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(kindsOf(JSON.stringify(value))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
