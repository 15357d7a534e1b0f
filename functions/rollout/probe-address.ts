import type { Reach } from '#policy/outbound-schema.ts';

/** What a network address is for, as far as it matters to who may call it. */
export type AddressKind =
  | 'public'
  | 'private'
  | 'loopback'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'reserved'
  | 'unreadable';

type Range = readonly [cidr: string, kind: AddressKind];

/**
 * IANA IPv4 Special-Purpose Address Registry, and the addresses at which clouds hand out credentials; the first that
 * holds an address decides. What is in none is public.
 */
const IPV4: readonly Range[] = [
  ['169.254.169.254/32', 'metadata'], // EC2, and most other clouds
  ['169.254.170.0/24', 'metadata'], // ECS task and EKS pod credentials
  ['100.100.100.200/32', 'metadata'], // Alibaba
  ['168.63.129.16/32', 'metadata'], // Azure
  ['0.0.0.0/8', 'unspecified'], // Linux takes 0.0.0.0 for this machine
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'private'], // RFC 6598, shared by carriers
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
];

/** IANA IPv6 Special-Purpose Address Registry; only 2000::/3 is given out, so what is in none of these is reserved. */
const IPV6: readonly Range[] = [
  ['fd00:ec2::/32', 'metadata'], // EC2 ::254, EKS ::23
  ['fd20:ce::254/128', 'metadata'], // Google
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
  ['2001::/23', 'reserved'], // Teredo and others that carry an IPv4 address of anyone's choice
  ['2001:db8::/32', 'reserved'],
  ['2002::/16', 'reserved'], // 6to4 carries one too
  ['3fff::/20', 'reserved'],
  ['2000::/3', 'public'],
];

/** IPv4 in IPv6's clothes: what counts is the address inside (RFC 4291 2.5.5.2, RFC 6052). */
const CARRIES_IPV4 = ['::ffff:0:0/96', '64:ff9b::/96'] as const;

/** Numbers of `bits` bits each, the most significant first. */
interface Address {
  readonly parts: readonly number[];
  readonly bits: 8 | 16;
}

/** Dotted decimal without leading zeros, which some readers take for octal. */
const readIpv4 = (text: string): Address | undefined => {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part <= 255) ? { parts, bits: 8 } : undefined;
};

/** RFC 4291 2.2, all three forms. A zone (`%eth0`) is not read: it names a link of this machine. */
const readIpv6 = (text: string): Address | undefined => {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const groups = (half: string, isEnd: boolean): readonly number[] | undefined => {
    if (half === '') return [];
    const pieces = half.split(':');
    const last = isEnd ? readIpv4(pieces.at(-1) ?? '') : undefined;
    if (last !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = last.parts;
      pieces.splice(-1, 1, (a * 256 + b).toString(16), (c * 256 + d).toString(16));
    }
    if (!pieces.every((piece) => /^[0-9a-f]{1,4}$/i.test(piece))) return undefined;
    return pieces.map((piece) => Number.parseInt(piece, 16));
  };
  const [before, after] = [groups(head, tail === undefined), groups(tail ?? '', true)];
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return { parts: [...before, ...Array<number>(missing).fill(0), ...after], bits: 16 };
};

const isIn = ({ parts, bits }: Address, cidr: string): boolean => {
  const [network = '', length] = cidr.split('/');
  const base = (bits === 8 ? readIpv4(network) : readIpv6(network))?.parts ?? [];
  return parts.every((part, index) => {
    const kept = Math.max(0, Math.min(bits, Number(length) - index * bits));
    const shift = bits - kept;
    return part >> shift === (base[index] ?? 0) >> shift;
  });
};

/** What an address is for. One that can't be read is `unreadable`, which nobody may call. */
export const addressKind = (text: string): AddressKind => {
  const ipv4 = readIpv4(text);
  if (ipv4 !== undefined) return IPV4.find(([cidr]) => isIn(ipv4, cidr))?.[1] ?? 'public';
  const ipv6 = readIpv6(text);
  if (ipv6 === undefined) return 'unreadable';
  if (CARRIES_IPV4.some((cidr) => isIn(ipv6, cidr))) {
    const inside = ipv6.parts.slice(6).flatMap((part) => [part >> 8, part & 255]);
    return addressKind(inside.join('.'));
  }
  return IPV6.find(([cidr]) => isIn(ipv6, cidr))?.[1] ?? 'reserved';
};

const WITHIN: Record<Reach, readonly AddressKind[]> = {
  public: ['public'],
  private: ['public', 'private'],
  local: ['public', 'private', 'loopback'],
};

/** Whether a stage of this reach may connect to an address. */
export const isWithinReach = (address: string, reach: Reach): boolean =>
  WITHIN[reach].includes(addressKind(address));
