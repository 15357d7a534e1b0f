import * as z from 'zod';

/** What a token from the sign-in page is good for; which of it a person may do is a matter of their roles. */
export const SCOPE = {
  resource: 'sluice',
  name: 'api',
  id: 'sluice/api',
  means: 'Use Sluice as yourself',
} as const;

/**
 * Where the command waits for the sign-in page to send the browser back to. Cognito compares whole addresses, so the
 * ports are fixed; three, so that one is free when other programs have the rest.
 */
export const CALLBACK_PORTS = [8976, 18_976, 28_976] as const;
export const callbackUrl = (port: number): string => `http://localhost:${port}/callback`;
export const CALLBACK_URLS: readonly string[] = CALLBACK_PORTS.map(callbackUrl);

/** Absolute, or relative to the API's own address. */
const urlReferenceSchema = z.string().min(1);

/**
 * The OpenAPI security scheme by which clients learn how people sign in. OpenAPI has no place for the client and for
 * where tokens are revoked: those are its extensions.
 */
export const signInSchemeSchema = z.object({
  type: z.literal('oauth2'),
  description: z.string().optional(),
  flows: z.object({
    authorizationCode: z.object({
      authorizationUrl: urlReferenceSchema,
      tokenUrl: urlReferenceSchema,
      refreshUrl: urlReferenceSchema,
      scopes: z.record(z.string(), z.string()),
      'x-client-id': z.string().min(1),
      'x-revocation-url': urlReferenceSchema,
    }),
  }),
});
export type SignInScheme = z.infer<typeof signInSchemeSchema>;
