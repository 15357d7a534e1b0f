/** List prices of us-east-1 in US dollars, without any free tier, written down on this day from the pages they name. */
export const PRICES_OF = '2026-11-22';

export interface Price {
  /** What one of it costs. */
  readonly dollars: number;
  readonly unit: string;
  /** The pricing page that says so. */
  readonly page: string;
}

const perMillion = (dollars: number, unit: string, page: string): Price => ({
  dollars: dollars / 1e6,
  unit,
  page,
});

/** CloudWatch counts a metric for the hours in which it has data; a month has 730. */
const HOURS_A_MONTH = 730;

export const PRICES = {
  transitions: perMillion(25, 'state transitions', 'AWS Step Functions pricing: Standard Workflows'),
  invocations: perMillion(0.2, 'function calls', 'AWS Lambda pricing: requests'),
  gigabyteSeconds: perMillion(13.3334, 'GB-seconds', 'AWS Lambda pricing: duration, Arm'),
  writeUnits: perMillion(0.625, 'write request units', 'Amazon DynamoDB pricing: on-demand capacity'),
  readUnits: perMillion(0.125, 'read request units', 'Amazon DynamoDB pricing: on-demand capacity'),
  metricsRead: perMillion(10, 'metrics asked for', 'Amazon CloudWatch pricing: GetMetricData'),
  metricHours: {
    dollars: 0.3 / HOURS_A_MONTH,
    unit: 'hours of a custom metric',
    page: 'Amazon CloudWatch pricing: custom metrics',
  },
  logGigabytes: { dollars: 0.5, unit: 'GB of logs', page: 'Amazon CloudWatch pricing: logs, collect' },
  traces: perMillion(5, 'traces', 'AWS X-Ray pricing: traces recorded'),
  events: perMillion(1, 'events', 'Amazon EventBridge pricing: custom events'),
  scheduled: perMillion(1, 'scheduled calls', 'Amazon EventBridge pricing: Scheduler'),
  apiRequests: perMillion(1, 'API requests', 'Amazon API Gateway pricing: HTTP APIs'),
  queueRequests: perMillion(0.4, 'queue requests', 'Amazon SQS pricing: standard queues'),
  flagRequests: perMillion(0.2, 'requests for flags', 'AWS AppConfig pricing: configuration requests'),
  flagsReceived: {
    dollars: 0.0008,
    unit: 'times flags were received',
    page: 'AWS AppConfig pricing: configurations received',
  },
  keyRequests: perMillion(3, 'key requests', 'AWS KMS pricing: requests'),
  signatures: perMillion(15, 'signatures', 'AWS KMS pricing: requests, elliptic curve keys'),
  objectPuts: perMillion(5, 'object puts', 'Amazon S3 pricing: requests, Standard'),
  objectReads: perMillion(0.4, 'object reads', 'Amazon S3 pricing: requests, Standard'),
  alarms: { dollars: 0.1, unit: 'alarm months', page: 'Amazon CloudWatch pricing: alarms, standard' },
  fastAlarms: {
    dollars: 0.3,
    unit: 'high-resolution alarm months',
    page: 'Amazon CloudWatch pricing: alarms, high resolution',
  },
  dashboards: { dollars: 3, unit: 'dashboard months', page: 'Amazon CloudWatch pricing: dashboards' },
  keys: { dollars: 1, unit: 'key months', page: 'AWS KMS pricing: keys' },
  tableGigabytes: {
    dollars: 0.25 + 0.2,
    unit: 'GB months in tables and their backups',
    page: 'Amazon DynamoDB pricing: storage, point-in-time recovery',
  },
} as const satisfies Record<string, Price>;

/** How much of what; what is absent is none. */
export type Usage = Readonly<Partial<Record<keyof typeof PRICES, number>>>;

export interface BillLine {
  readonly what: keyof typeof PRICES;
  readonly amount: number;
  readonly dollars: number;
}

/** A line for each thing used, dearest first. */
export const billOf = (usage: Usage): readonly BillLine[] =>
  (Object.entries(usage) as [keyof typeof PRICES, number][])
    .filter(([, amount]) => amount > 0)
    .map(([what, amount]) => ({ what, amount, dollars: amount * PRICES[what].dollars }))
    .toSorted((one, other) => other.dollars - one.dollars);

export const totalOf = (usage: Usage): number => billOf(usage).reduce((sum, { dollars }) => sum + dollars, 0);

export const addUsage = (...usages: readonly Usage[]): Usage => {
  const sum: Partial<Record<keyof typeof PRICES, number>> = {};
  for (const usage of usages)
    for (const { what, amount } of billOf(usage)) sum[what] = (sum[what] ?? 0) + amount;
  return sum;
};

export const times = (usage: Usage, factor: number): Usage =>
  Object.fromEntries(Object.entries(usage).map(([what, amount]) => [what, amount * factor]));
