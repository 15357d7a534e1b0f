import * as z from 'zod';
import { ledgerRecordSchema } from '#ledger/record.ts';
import { environmentNameSchema, releaseIdSchema, serviceNameSchema } from '#platform/ids.ts';
import { pageQuery } from '#platform/page.ts';
import { defineRoutes, READERS } from '#platform/route.ts';
import { textSchema } from '#platform/text.ts';
import { environmentStateSchema, freezeSchema } from '#releases/freeze.ts';
import { releaseSchema } from '#releases/release.ts';
import { releaseRequestSchema } from '#releases/release-request.ts';
import { rollbackReportSchema } from '#releases/rollback-report.ts';

/** A release as the API shows it: the item, and one word for where it is. */
export const releaseViewSchema = releaseSchema.extend({ phase: z.string() });

const page = pageQuery({ most: 100, usual: 20 });
const oneRelease = z.strictObject({ releaseId: releaseIdSchema });

const oneEnvironment = z.strictObject({ environment: environmentNameSchema });

/** An environment as the API shows it: the freeze in force, if there is one. */
const environmentViewSchema = environmentStateSchema
  .pick({ environment: true, revision: true })
  .extend({ frozen: z.boolean(), freeze: freezeSchema.optional() });

const oneService = z.strictObject({ service: serviceNameSchema });

export const releaseRoutes = defineRoutes({
  rollBackService: {
    method: 'POST',
    path: '/v1/services/{service}/rollback',
    summary: 'Return a promoted service to its last good version, at once: no plan, no gates, no freeze',
    roles: ['operator'],
    idempotent: true,
    params: oneService,
    body: z.strictObject({ environment: environmentNameSchema, reason: textSchema(500) }),
    responses: { 202: releaseViewSchema },
    problems: [404, 409],
  },
  drillRollback: {
    method: 'POST',
    path: '/v1/services/{service}/rollback-drill',
    summary:
      'Give a good version a little traffic, find it failing on purpose, and measure how soon it is back',
    roles: ['operator'],
    idempotent: true,
    params: oneService,
    body: z.strictObject({
      environment: environmentNameSchema,
      reason: textSchema(500),
      version: releaseRequestSchema.shape.version.optional(),
      weightPercent: z.int().min(1).max(10).default(1),
    }),
    responses: { 202: releaseViewSchema },
    problems: [403, 404, 409],
  },
  getRollbacks: {
    method: 'GET',
    path: '/v1/services/{service}/rollbacks',
    summary: "How often and how fast a service's traffic came back lately, in drills and for real",
    roles: READERS,
    params: oneService,
    query: z.strictObject({ environment: environmentNameSchema.optional() }),
    responses: { 200: rollbackReportSchema },
    problems: [404],
  },
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
  getFreeze: {
    method: 'GET',
    path: '/v1/environments/{environment}/freeze',
    summary: 'Whether releases may start in an environment',
    roles: READERS,
    params: oneEnvironment,
    responses: { 200: environmentViewSchema },
    problems: [404],
  },
  freezeEnvironment: {
    method: 'POST',
    path: '/v1/environments/{environment}/freeze',
    summary: 'Let no release start in an environment until a time; those on their way go on',
    roles: ['operator'],
    idempotent: true,
    params: oneEnvironment,
    body: z.strictObject({
      /** RFC 3339, in any time zone. */
      until: z.iso.datetime({ offset: true }),
      reason: textSchema(500),
    }),
    responses: { 200: environmentViewSchema },
    problems: [404, 409],
  },
  thawEnvironment: {
    method: 'POST',
    path: '/v1/environments/{environment}/thaw',
    summary: 'End the freeze of an environment',
    roles: ['operator'],
    idempotent: true,
    params: oneEnvironment,
    body: z.strictObject({ reason: textSchema(500) }),
    responses: { 200: environmentViewSchema },
    problems: [404, 409],
  },
});
