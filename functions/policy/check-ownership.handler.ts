import * as z from 'zod';
import { cloudFormation } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { perRegion } from '#platform/per-region.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger } from '#platform/telemetry.ts';
import { cloudFormationOwners } from '#policy/adapters/cloudformation-ownership.ts';
import { policyTasks } from '#policy/tasks.ts';

const { FUNCTION_ARN_PREFIX } = readEnvironment({ FUNCTION_ARN_PREFIX: z.string() });

const owners = cloudFormationOwners(perRegion(cloudFormation), FUNCTION_ARN_PREFIX, (error) =>
  logger.warn('ownership not found out', { error }),
);

/**
 * The only function that may read templates of the account's stacks, which hold more than anyone who registers a
 * service should see: what leaves it is a stack's name, a resource's, and an attribute's.
 */
export const handler = serveTask(policyTasks.CheckOwnership)(async ({ targets }) => ({
  owners: [...(await owners.ownershipOf(targets))],
}));
