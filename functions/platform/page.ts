import * as z from 'zod';

/** The query of a list: how many, and where to go on. A cursor is an earlier page's `next`, opaque to callers. */
export const pageQuery = ({ most, usual }: { readonly most: number; readonly usual: number }) => ({
  limit: z.coerce.number().int().min(1).max(most).default(usual),
  cursor: z.string().max(1_000).optional(),
});
