import type { IncomingMessage } from 'node:http';
import type { ArmCounts } from '#rollout/judge/facts.ts';

export const QUERIES = {
  requests: 'sum(increase(http_requests_total{version="$version"}[$range]))',
  errors: 'sum(increase(http_errors_total{version="$version"}[$range]))',
  bucket: 'sum by (le) (increase(http_seconds_bucket{version="$version"}[$range]))',
};

const ASKED = /(http_requests_total|http_errors_total|http_seconds_bucket)\{version="([^"]*)"\}\[(\d+)s\]/;

/** What a service's counters would have risen by: each series by its labels, with the value of one period. */
const seriesOf = (
  metric: string,
  { requests, errors, slowerThan }: ArmCounts,
): [labels: object, value: number][] => {
  if (metric === 'http_requests_total') return requests === undefined ? [] : [[{}, requests]];
  if (metric === 'http_errors_total') return errors === undefined ? [] : [[{}, errors]];
  if (requests === undefined || slowerThan === undefined) return [];
  const finite = Object.entries(slowerThan).map(([bound, slower]): [object, number] => [
    { le: String(Number(bound) / 1_000) },
    requests - slower,
  ]);
  return [...finite, [{ le: '+Inf' }, requests]];
};

/** As much of Prometheus's HTTP API as `query_range` over the queries above; counts are put in by their period's start. */
export const prometheus = () => {
  const known = new Map<string, Map<number, ArmCounts>>();
  const put = (version: string, start: number, counts: ArmCounts): void => {
    const periods = known.get(version) ?? new Map<number, ArmCounts>();
    known.set(version, periods.set(start, counts));
  };
  const answer = ({ url }: IncomingMessage): object => {
    const { pathname, searchParams } = new URL(url ?? '', 'http://server');
    const [, metric = '', version = '', range] = ASKED.exec(searchParams.get('query') ?? '') ?? [];
    const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(searchParams.get(name)));
    if (!pathname.endsWith('/api/v1/query_range') || start === undefined || end === undefined)
      return { status: 'error', errorType: 'bad_data' };
    const series = new Map<string, [number, string][]>();
    for (let at = start; at <= end; at += step ?? 1) {
      const counts = known.get(version)?.get((at - Number(range)) * 1_000);
      for (const [labels, value] of seriesOf(metric, counts ?? {})) {
        const name = JSON.stringify(labels);
        series.set(name, [...(series.get(name) ?? []), [at, String(value)]]);
      }
    }
    const result = [...series].map(([name, values]) => ({ metric: JSON.parse(name), values }));
    return { status: 'success', data: { resultType: 'matrix', result } };
  };
  return { put, answer };
};
