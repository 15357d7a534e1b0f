import { BlockList } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AddressKind, addressKind, isWithinReach } from '#rollout/probe-address.ts';

const KINDS: readonly (readonly [address: string, kind: AddressKind])[] = [
  ['8.8.8.8', 'public'],
  ['1.1.1.1', 'public'],
  ['9.255.255.255', 'public'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['11.0.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.64.0.0', 'private'],
  ['100.100.100.200', 'metadata'],
  ['100.127.255.255', 'private'],
  ['100.128.0.0', 'public'],
  ['126.255.255.255', 'public'],
  ['127.0.0.0', 'loopback'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['128.0.0.0', 'public'],
  ['168.63.129.16', 'metadata'],
  ['169.253.255.255', 'public'],
  ['169.254.0.0', 'link-local'],
  ['169.254.169.253', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['169.254.170.23', 'metadata'],
  ['169.254.255.255', 'link-local'],
  ['169.255.0.0', 'public'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['192.0.0.192', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['192.88.99.1', 'reserved'],
  ['192.167.255.255', 'public'],
  ['192.168.0.0', 'private'],
  ['192.168.255.255', 'private'],
  ['192.169.0.0', 'public'],
  ['198.17.255.255', 'public'],
  ['198.18.0.0', 'reserved'],
  ['198.19.255.255', 'reserved'],
  ['198.20.0.0', 'public'],
  ['198.51.100.7', 'reserved'],
  ['203.0.113.7', 'reserved'],
  ['223.255.255.255', 'public'],
  ['224.0.0.0', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.0', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['0.0.0.0', 'unspecified'],
  ['0.255.255.255', 'unspecified'],
  ['1.0.0.0', 'public'],

  ['2600:1f18::1', 'public'],
  ['2a05:d018::1', 'public'],
  ['2001:4860:4860::8888', 'public'],
  ['2001:200::1', 'public'],
  ['3ffe:ffff::1', 'public'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::2', 'reserved'],
  ['fc00::1', 'private'],
  ['fdff:ffff::1', 'private'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:ec2::23', 'metadata'],
  ['FD00:0EC2:0:0:0:0:0:254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'reserved'],
  ['ff02::1', 'multicast'],
  ['2001::1', 'reserved'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'reserved'],
  ['2001:1ff:ffff::1', 'reserved'],
  ['2001:db8::1', 'reserved'],
  ['2002:7f00:1::1', 'reserved'],
  ['3fff::1', 'reserved'],
  ['3fff:1000::1', 'public'],
  ['4000::1', 'reserved'],
  ['100::1', 'reserved'],
  ['5f00::1', 'reserved'],

  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['::ffff:a9fe:a9fe', 'metadata'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:8.8.8.8', 'public'],
  ['0:0:0:0:0:ffff:0.0.0.0', 'unspecified'],
  ['64:ff9b::169.254.169.254', 'metadata'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['64:ff9b:1::8.8.8.8', 'reserved'],
  ['::127.0.0.1', 'reserved'],
  ['::ffff:0:127.0.0.1', 'reserved'],

  ['', 'unreadable'],
  ['localhost', 'unreadable'],
  ['127.1', 'unreadable'],
  ['2130706433', 'unreadable'],
  ['0x7f.0.0.1', 'unreadable'],
  ['0177.0.0.1', 'unreadable'],
  ['127.0.0.01', 'unreadable'],
  ['256.0.0.1', 'unreadable'],
  ['1.2.3.4.5', 'unreadable'],
  ['8.8.8.8 ', 'unreadable'],
  ['fe80::1%eth0', 'unreadable'],
  ['::1%lo', 'unreadable'],
  ['[::1]', 'unreadable'],
  [':::', 'unreadable'],
  ['1::2::3', 'unreadable'],
  ['1:2:3:4:5:6:7', 'unreadable'],
  ['1:2:3:4:5:6:7:8:9', 'unreadable'],
  ['1:2:3:4:5:6:7:8::', 'unreadable'],
  ['2600::g', 'unreadable'],
  ['2600::12345', 'unreadable'],
  ['1.2.3.4::', 'unreadable'],
  ['2600::1.2.3.4:1', 'unreadable'],
];

describe('what an address is for', () => {
  it.each(KINDS)('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });

  /** Node's own reading of addresses and ranges, as a second opinion on ours. */
  const forbidden = new BlockList();
  for (const [net, length] of [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['168.63.129.16', 32],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
  ] as const)
    forbidden.addSubnet(net, length, 'ipv4');
  const global = new BlockList();
  global.addSubnet('2000::', 3, 'ipv6');
  const special = new BlockList();
  for (const [net, length] of [
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ] as const)
    special.addSubnet(net, length, 'ipv6');

  it('is public for every IPv4 address that node finds in no special range, and for no other', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKind(address) === 'public').toBe(!forbidden.check(address, 'ipv4'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same for an IPv4 address however it is dressed', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKind(`::ffff:${address}`)).toBe(addressKind(address));
        expect(addressKind(`64:ff9b::${address}`)).toBe(addressKind(address));
      }),
    );
  });

  it('is public for no IPv6 address that node finds outside the given-out space, however it is written', () => {
    const carried = /^(0*:)*:?(0*:)*ffff:|^0*64:ff9b:/i;
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        fc.pre(!carried.test(address));
        const isPublic = global.check(address, 'ipv6') && !special.check(address, 'ipv6');
        expect(addressKind(address) === 'public').toBe(isPublic);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what a stage may reach', () => {
  it.each([
    ['8.8.8.8', ['public', 'private', 'local']],
    ['10.1.2.3', ['private', 'local']],
    ['fd12:3456::1', ['private', 'local']],
    ['127.0.0.1', ['local']],
    ['::1', ['local']],
    ['169.254.169.254', []],
    ['::ffff:169.254.169.254', []],
    ['fd00:ec2::254', []],
    ['169.254.1.1', []],
    ['fe80::1', []],
    ['0.0.0.0', []],
    ['224.0.0.1', []],
    ['203.0.113.1', []],
    ['2130706433', []],
  ] as const)('%s only within %j', (address, reaches) => {
    const within = (['public', 'private', 'local'] as const).filter((reach) => isWithinReach(address, reach));
    expect(within).toEqual(reaches);
  });
});
