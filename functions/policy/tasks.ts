import * as z from 'zod';
import { defineTasks } from '#platform/task.ts';
import { targetSchema } from '#policy/target.ts';
import { ownershipSchema } from '#policy/target-ownership.ts';

/** How other functions ask what only one may look up. */
export const policyTasks = defineTasks({
  CheckOwnership: {
    input: z.strictObject({ targets: z.array(targetSchema).min(1).max(200) }),
    output: z.strictObject({ owners: z.array(ownershipSchema) }),
    functionTimeoutSeconds: 15,
  },
});
