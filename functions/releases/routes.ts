import * as z from 'zod';
import { ledgerRecordSchema } from '#ledger/record.ts';
import { releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes, READERS } from '#platform/route.ts';
import { releaseSchema } from '#releases/release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';

/** A release as the API shows it: the item, and one word for where it is. */
export const releaseViewSchema = releaseSchema.extend({ phase: z.string() });

const page = pageQuery({ most: 100, usual: 20 });
const oneRelease = z.strictObject({ releaseId: releaseIdSchema });

export const releaseRoutes = defineRoutes({
  requestRelease: {
    method: 'POST',
    path: '/v1/releases',
    summary: 'Ask for a release',
    roles: ['requester', 'operator'],
    idempotent: true,
    body: releaseRequestSchema,
    responses: { 202: releaseViewSchema },
    problems: [403, 404, 409],
  },
  listReleases: {
    method: 'GET',
    path: '/v1/releases',
    summary: 'Releases, newest first',
    roles: READERS,
    query: z.strictObject({ ...page, service: serviceNameSchema.optional() }),
    responses: {
      200: z.strictObject({ releases: z.array(releaseViewSchema), next: z.string().optional() }),
    },
  },
  getRelease: {
    method: 'GET',
    path: '/v1/releases/{releaseId}',
    summary: 'One release and where it stands',
    roles: READERS,
    params: oneRelease,
    responses: { 200: releaseViewSchema },
    problems: [404],
  },
  getTimeline: {
    method: 'GET',
    path: '/v1/releases/{releaseId}/timeline',
    summary: "A release's records in the ledger, oldest first",
    roles: READERS,
    params: oneRelease,
    query: z.strictObject(page),
    responses: {
      200: z.strictObject({ records: z.array(ledgerRecordSchema), next: z.string().optional() }),
    },
    problems: [404],
  },
});
