import { Failure } from '../failure.ts';

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Whether nobody between here and there can read along. */
export const isPrivate = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname));

/**
 * An API's address in its one spelling, without a slash at the end.
 * @throws Failure for what is no address, or one over which a token would be readable on the way.
 */
export const apiAddress = (text: string): string => {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new Failure(2, `"${text}" is not the address of an API: give the stack's output ApiUrl`);
  if (!isPrivate(url))
    throw new Failure(2, `"${text}" must be https, because a token goes with every request`);
  return url.href.replace(/\/+$/, '');
};

/** A text as one word of a POSIX shell, for commands that people are told to run. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
