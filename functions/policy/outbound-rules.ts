import type { Fault } from '#platform/errors.ts';
import type { Reach } from '#policy/outbound-schema.ts';

/** Where a stage's functions may call to when a service's definition names a URL. */
export interface OutboundRules {
  readonly hosts: readonly string[];
  readonly reach: Reach;
}

/** Whether a host pattern covers a URL. */
export const isHostOf = (pattern: string, url: URL): boolean => {
  const [, host = '', port = ''] = /^(.*?)(?::([^:]+))?$/.exec(pattern) ?? [];
  const isHost = host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host;
  return isHost && (port === '*' || port === url.port);
};

/**
 * Why this stage doesn't call a URL; undefined when it may. Only what the URL itself says: where its host leads to is
 * asked when the connection is made, each time.
 */
export const outboundRefusal = (text: string, { hosts, reach }: OutboundRules): string | undefined => {
  const url = new URL(text);
  if (url.protocol !== 'https:' && reach !== 'local') return 'must be https';
  if (hosts.some((pattern) => isHostOf(pattern, url))) return undefined;
  const allowed = hosts.length === 0 ? 'none is allowed yet' : `allowed: ${hosts.join(', ')}`;
  return `host ${url.host} is not one that this stage may call (${allowed})`;
};

/** The same as a fault of a request, which says what setting would allow it. */
export const outboundFault = (
  path: string,
  url: string,
  rules: OutboundRules,
  setting: string,
): readonly Fault[] => {
  const refusal = outboundRefusal(url, rules);
  if (refusal === undefined) return [];
  return [{ path, message: `${refusal}; whoever runs Sluice names hosts in the setting ${setting}` }];
};
