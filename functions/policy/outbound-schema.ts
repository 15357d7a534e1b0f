import * as z from 'zod';

/** A host as a URL names it; a leading `*.` stands for one label or more, never for the domain itself. */
const HOST_PATTERN = /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:(\*|[1-9]\d{0,4}))?$/;

/**
 * A host that Sluice may call: `api.example.com`, `*.example.com`, `api.example.com:8443`, `127.0.0.1:*`. Without a
 * port it means the scheme's own, so that an allowed web server doesn't open whatever else listens beside it.
 */
export const hostPatternSchema = z
  .string()
  .max(253)
  .regex(HOST_PATTERN, 'must be a host in lower case, or *. and a domain; with :port or :* for other ports');

/**
 * Which addresses an allowed host may resolve to. `public`: the internet's alone. `private`: a network's own too
 * (RFC 1918, unique local, shared). `local`: this machine too, and without TLS: a developer's stage only.
 */
export const reachSchema = z.enum(['public', 'private', 'local']);
export type Reach = z.infer<typeof reachSchema>;

/** A Prometheus-compatible server, and the parameter of Parameter Store that holds its bearer token. */
export const metricHostSchema = z.strictObject({
  host: hostPatternSchema,
  tokenParameter: z
    .string()
    .regex(/^(\/[A-Za-z0-9_.-]+){1,15}$/, 'must be a parameter name that begins with /')
    .optional(),
});
export type MetricHost = z.infer<typeof metricHostSchema>;

export const metricHostsVariable = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(metricHostSchema));

/** The patterns as an environment variable carries them: a JSON list. */
export const hostPatternsVariable = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(hostPatternSchema));

const isWithoutCredentials = (text: string): boolean => {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '';
};

/** An absolute http(s) URL without credentials: those would stand in the ledger for ever. */
export const outboundUrlSchema = z
  .url({ protocol: /^https?$/, error: 'must be an absolute https URL' })
  .max(2_000)
  .refine(isWithoutCredentials, { message: 'must not hold a user name or a password' });
