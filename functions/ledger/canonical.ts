import canonicalize from 'canonicalize';
import { ANY_JSON, jsonFault } from '#ledger/json-value.ts';
import { saltsSchema, sealedBody } from '#ledger/personal.ts';
import { InvalidRequestError } from '#platform/errors.ts';

/**
 * The canonical text of a JSON value by RFC 8785 (JCS): keys sorted by UTF-16 code units, numbers as ECMAScript prints
 * them, no white space.
 * @throws InvalidRequestError for what JSON can't carry (undefined, NaN, a lone surrogate, a Date): the library would
 * drop or convert some of these without a word, and the hash would then cover something else than was handed in.
 */
export const canonicalJson = (value: unknown): string => {
  const fault = jsonFault(value, ANY_JSON);
  if (fault !== undefined)
    throw new InvalidRequestError('this has no canonical JSON form', { faults: [fault] });
  return canonicalize(value) as string;
};

/**
 * What a record's hash covers: the record without the hash itself, without `verification`, which is worked out whenever
 * the record is read, and with a digest in place of each value that `salts` names.
 * @throws InvalidRequestError for what no record can hold.
 */
export const canonicalRecord = (record: object): string => {
  const {
    recordHash: _hash,
    verification: _verification,
    salts,
    ...body
  } = record as Record<string, unknown>;
  return canonicalJson(salts === undefined ? body : sealed(body, salts));
};

const sealed = (body: object, salts: unknown): object => {
  try {
    return sealedBody(body, saltsSchema.parse(salts));
  } catch (cause) {
    throw new InvalidRequestError('its salts are for no values of it', { cause });
  }
};
