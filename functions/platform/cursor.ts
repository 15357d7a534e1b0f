import { InvalidRequestError } from '#platform/errors.ts';

/** Cursors are opaque to callers, so that what they hold can change. */
export const toCursor = (position: string): string => Buffer.from(position).toString('base64url');

/** @throws InvalidRequestError for a cursor that was not made by toCursor. */
export const fromCursor = (cursor: string, isPosition: (position: string) => boolean): string => {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (isPosition(position) && toCursor(position) === cursor) return position;
  throw new InvalidRequestError('the query is not valid', {
    faults: [{ path: 'cursor', message: 'must be the `next` of an earlier page' }],
  });
};
