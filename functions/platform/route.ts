import type * as z from 'zod';

/**
 * Who may call a route. Groups of the token are roles; `admin` may do everything; `public` needs no token; `signed` needs
 * none because the sender signs the body's bytes, which the handler checks before it reads them.
 */
export const ROLES = ['viewer', 'requester', 'approver', 'operator', 'auditor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Everyone who has a role at all may look. */
export const READERS = ['viewer', 'requester', 'approver', 'operator', 'auditor'] as const;

/**
 * One row of a slice's route table. The same row feeds the gateway's routes, the role check, validation, the OpenAPI
 * document and the typed client, so that none of them can disagree.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: `/v1/${string}`;
  readonly summary: string;
  readonly roles: 'public' | 'signed' | readonly Role[];
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Whether `Idempotency-Key` is read. */
  readonly idempotent?: boolean;
  /** Success responses by status. */
  readonly responses: { readonly [status: number]: z.ZodType };
  /** Problem statuses besides the ones every route can answer with. */
  readonly problems?: readonly (404 | 409 | 403)[];
}

/** Whether the gateway lets anybody call it: what is refused then is refused by the function. */
export const isOpen = ({ roles }: Route): boolean => roles === 'public' || roles === 'signed';

export type RouteTable = { readonly [operationId: string]: Route };

export const defineRoutes = <const T extends RouteTable>(table: T): T => table;

/** The gateway's name of a route, as the event carries it. */
export const routeKey = (route: Route): string => `${route.method} ${route.path}`;
