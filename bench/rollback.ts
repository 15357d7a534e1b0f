import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetAliasCommand } from '@aws-sdk/client-lambda';
import { timelineOf } from '../cli/timeline.ts';
import type { ReleaseId } from '../functions/platform/ids.ts';
import { releaseRoutes } from '../functions/releases/routes.ts';
import { ALIAS, CHECKOUT, VARIANTS } from '../local/demo/checkout.ts';
import { startTraffic } from '../local/demo/traffic.ts';
import { repositoryRoot } from '../local/paths.ts';
import { watchRelease } from '../local/watch-release.ts';
import { startWorld } from '../local/world.ts';
import { CANARY_PERCENT, prepare } from './rollback/prepare.ts';
import { type Bench, POLL_MILLISECONDS, WAYS, type Way } from './rollback/ways.ts';

const AIM_SECONDS = 2;

/** From the moment that something asked for it. */
interface Measured {
  /** Until the alias sent everything to the stable version, as anybody sees it who reads it. */
  readonly back: number;
  /** Until Sluice had read that back. */
  readonly verified: number;
}

const weightsOf = async ({ lambda }: Bench): Promise<Readonly<Record<string, number>>> => {
  const { FunctionVersion = '', RoutingConfig } = await lambda.send(
    new GetAliasCommand({ FunctionName: CHECKOUT, Name: ALIAS }),
  );
  return { [FunctionVersion]: 1, ...RoutingConfig?.AdditionalVersionWeights };
};

/** Asks until it is so, and gives the time. */
const until = async (
  bench: Bench,
  isSo: (weights: Readonly<Record<string, number>>) => boolean,
): Promise<number> => {
  for (;;) {
    if (isSo(await weightsOf(bench))) return Date.now();
    await sleep(POLL_MILLISECONDS);
  }
};

const isShifted = (weights: Readonly<Record<string, number>>): boolean => Object.keys(weights).length > 1;
const isBack = (weights: Readonly<Record<string, number>>): boolean =>
  Object.keys(weights).join() === VARIANTS.stable.version;

const once = async (bench: Bench, { version, ask }: Way): Promise<Measured> => {
  const { releaseId } = await bench.api.call(releaseRoutes.requestRelease, {
    body: { service: CHECKOUT, environment: 'production', version },
    idempotencyKey: randomUUID(),
  });
  await until(bench, isShifted);
  const seen = until(bench, isBack);
  const began = await ask(bench, releaseId);
  const back = await seen;
  await watchRelease(bench.api, releaseId, { onRecord: () => undefined, withinSeconds: 60 });
  const records = await timelineOf(bench.api, releaseId);
  const done = records.find(({ event }) => event.type === 'release.restore.done');
  if (done === undefined) throw new Error(`release ${releaseId} has ended and nothing was restored`);
  await freed(bench, releaseId);
  return {
    back: (back - began) / 1_000,
    verified: (Date.parse(done.event.timestamp) - began) / 1_000,
  };
};

const freed = async ({ api }: Bench, releaseId: ReleaseId): Promise<void> => {
  for (;;) {
    const { concludedAt } = await api.call(releaseRoutes.getRelease, { params: { releaseId } });
    if (concludedAt !== undefined) return;
    await sleep(10 * POLL_MILLISECONDS);
  }
};

const quantile = (sorted: readonly number[], level: number): number =>
  sorted[Math.max(0, Math.ceil(level * sorted.length) - 1)] ?? Number.NaN;

const row = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(22) : cell.padStart(10))).join('');

const printed = (name: string, all: readonly number[]): string => {
  const sorted = all.toSorted((one, other) => one - other);
  const figures = [0.5, 0.95, 1].map((level) => `${quantile(sorted, level).toFixed(2)} s`);
  return row([name, String(all.length), ...figures]);
};

const emulatorVersion = (): string =>
  /ministack==(\S+)/.exec(readFileSync(path.join(repositoryRoot, 'local', 'requirements.in'), 'utf8'))?.[1] ??
  '?';

/**
 * How long it takes until traffic is back: alarm event, abort, and a look's own verdict, each so many times one after
 * the other on the local AWS: `npm run bench -- rollback [times]`. The first call of each function, which starts it, is told apart.
 */
export async function run([times = '20']: readonly string[] = []): Promise<void> {
  const runs = Number(times);
  const world = await startWorld({ port: 0, log: (line) => console.log(line) });
  try {
    const bench = await prepare(world);
    const traffic = startTraffic({
      endpoint: world.endpoint,
      functionName: CHECKOUT,
      alias: ALIAS,
      requestsPerSecond: 60,
      serve: async (version) => ({
        statusCode: version === VARIANTS.failing.version && Math.random() < 0.35 ? 500 : 200,
        durationMs: 30,
      }),
    });
    const [cpu] = cpus();
    console.log(
      `\n${cpus().length} × ${cpu?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}; Node ${process.versions.node}; MiniStack ${emulatorVersion()}; one release at a time, ${CANARY_PERCENT} % on the canary`,
    );
    console.log(`\n${row(['until read back', 'times', 'median', '95 %', 'maximum'])}`);
    const missed: string[] = [];
    for (const way of WAYS) {
      const first = await once(bench, way);
      const all: Measured[] = [];
      for (let n = 0; n < runs; n += 1) all.push(await once(bench, way));
      console.log(
        printed(
          way.name,
          all.map(({ verified }) => verified),
        ),
      );
      console.log(
        printed(
          '  alias, as seen',
          all.map(({ back }) => back),
        ),
      );
      console.log(printed('  the first one', [first.verified]));
      if (all.some(({ verified }) => verified > AIM_SECONDS)) missed.push(way.name);
    }
    console.log(
      missed.length === 0
        ? `\nall within ${AIM_SECONDS} s`
        : `\nabove ${AIM_SECONDS} s: ${missed.join(', ')}`,
    );
    await traffic.stop();
    bench.lambda.destroy();
  } finally {
    await world.stop();
  }
}
