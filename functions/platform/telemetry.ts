import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRIC_NAMESPACE } from '#platform/metric-names.ts';

/** One of each per function. POWERTOOLS_SERVICE_NAME and the log level come from the stack. */
export const logger = new Logger();
export const metrics = new Metrics({ namespace: METRIC_NAMESPACE });
