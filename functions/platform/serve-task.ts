import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { parseOrRefuse } from '#platform/faults.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import type { Task } from '#platform/task.ts';
import { logger } from '#platform/telemetry.ts';

/**
 * The Lambda entry behind a workflow state: parses the input strictly, runs, and checks the output against the
 * contract. Errors leave as they are, because the workflow routes them by name.
 */
export const serveTask =
  <T extends Task>(task: T) =>
  (run: (input: z.output<T['input']>) => Promise<z.input<T['output']>>) =>
    middy<unknown, z.output<T['output']>, Error, Context>()
      .use(injectLambdaContext(logger))
      .use(publishMetrics())
      .handler(async (event) => {
        const input = parseOrRefuse(task.input, event, 'the task input');
        return task.output.parse(await run(input as z.output<T['input']>)) as z.output<T['output']>;
      });
