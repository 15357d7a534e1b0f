import type middy from '@middy/core';
import { metrics } from '#platform/telemetry.ts';

const publish = (): void => {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
};

/** Publishes what was counted, also when the function failed; a call that counted nothing says nothing. */
export const publishMetrics = (): middy.MiddlewareObj => ({ after: publish, onError: publish });
