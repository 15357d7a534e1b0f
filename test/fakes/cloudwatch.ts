import {
  CloudWatchClient,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  type MetricDataQuery,
} from '@aws-sdk/client-cloudwatch';
import { mockClient } from 'aws-sdk-client-mock';

interface Series {
  readonly namespace: string;
  readonly metricName: string;
  readonly stat: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

const nameOf = ({ namespace, metricName, stat, dimensions }: Series): string =>
  JSON.stringify([namespace, metricName, stat, Object.entries(dimensions).sort()]);

const seriesOf = ({ MetricStat }: MetricDataQuery): Series => ({
  namespace: MetricStat?.Metric?.Namespace ?? '',
  metricName: MetricStat?.Metric?.MetricName ?? '',
  stat: MetricStat?.Stat ?? '',
  dimensions: Object.fromEntries(
    (MetricStat?.Metric?.Dimensions ?? []).map(({ Name, Value }) => [Name ?? '', Value ?? '']),
  ),
});

/**
 * CloudWatch as far as GetMetricData goes, behind the real client: a series has the values it was given, at their periods'
 * starts, within [StartTime, EndTime), and nothing where it was given nothing. Pages hold `pageValues` values, split
 * wherever that falls, as CloudWatch's do.
 */
export const cloudWatch = ({ pageValues = 1_000 } = {}) => {
  const values = new Map<string, Map<number, number>>();
  const client = new CloudWatchClient({ region: 'eu-central-1' });
  const mock = mockClient(client);

  const answer = (input: GetMetricDataCommandInput) => {
    const found = (input.MetricDataQueries ?? []).flatMap((query) =>
      [...(values.get(nameOf(seriesOf(query))) ?? [])]
        .filter(([start]) => start >= Number(input.StartTime) && start < Number(input.EndTime))
        .sort(([a], [b]) => a - b)
        .map(([start, value]) => ({ id: query.Id, start, value })),
    );
    const offset = Number(input.NextToken ?? 0);
    const page = found.slice(offset, offset + pageValues);
    const ids = [...new Set(page.map(({ id }) => id))];
    return {
      MetricDataResults: ids.map((id) => {
        const own = page.filter((one) => one.id === id);
        return {
          Id: id,
          Timestamps: own.map(({ start }) => new Date(start)),
          Values: own.map(({ value }) => value),
        };
      }),
      ...(offset + pageValues < found.length && { NextToken: String(offset + pageValues) }),
    };
  };
  mock.on(GetMetricDataCommand).callsFake(async (input) => answer(input));

  return {
    client,
    mock,
    put: (series: Series, start: number, value: number): void => {
      const known = values.get(nameOf(series)) ?? new Map<number, number>();
      values.set(nameOf(series), known.set(start, value));
    },
  };
};
