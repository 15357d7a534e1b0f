import { hash } from 'node:crypto';

/**
 * SHA-256(0x00 ‖ bytes), the leaf hash of RFC 6962 section 2.1, in lower-case hex: one hash serves the chain and the
 * Merkle tree. The prefix keeps a record from being passed off as an inner node of the tree.
 */
export const leafHash = (canonical: string): string => hash('sha256', `\0${canonical}`, 'hex');
