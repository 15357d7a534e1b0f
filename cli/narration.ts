import type { LedgerRecord } from '../functions/ledger/record.ts';

type Data = Readonly<Record<string, unknown>>;

const reasonsOf = (data: Data): string[] =>
  (Array.isArray(data.reasons) ? data.reasons : []).map((reason) => String((reason as Data).text));

const points = (value: unknown): string => (typeof value === 'number' ? value.toFixed(1) : '–');

const roundLine = (data: Data): string => {
  const round = data.round as Data;
  const reasons = reasonsOf(round);
  return (
    `${waveOf(data)}round ${round.number} at ${data.weightPercent} %: ${round.status}, score ${points(round.score)} ` +
    `(at best ${points(round.scoreUpper)}, stable version ${points(round.baselineScore)})` +
    reasons.map((text) => `\n      – ${text}`).join('')
  );
};

/** Several waves are told apart by their names. */
const waveOf = (data: Data): string => (typeof data.wave === 'string' ? `wave ${data.wave}: ` : '');

const stableLine = (snapshots: readonly Data[]): string =>
  snapshots.length === 1
    ? `stable is version ${snapshots[0]?.stableVersion}`
    : `stable is ${snapshots.map(({ wave, stableVersion }) => `version ${stableVersion} in wave ${wave}`).join(', ')}`;

const splitLine = ({ weightPercent, canary, split }: Data): string =>
  `traffic: ${weightPercent} % of callers stay with version ${canary}, told apart by ${split}, read back`;

const withReasons = (line: string, data: Data): string =>
  line +
  reasonsOf(data)
    .map((text) => `\n      – ${text}`)
    .join('');

/** What a ledger record means, in a line for people; undefined for those that only matter to an auditor. */
export const narrate = ({ event, data, actor }: LedgerRecord): string | undefined => {
  switch (event.type) {
    case 'release.accepted':
      return `asked for by ${actor.login}${actor.authenticated ? '' : ' (claimed by an event)'}`;
    case 'release.snapshot.taken':
      return stableLine(data.snapshots as readonly Data[]);
    case 'release.preparation.intended':
      return `${waveOf(data)}version ${data.canary} is put where it is to run`;
    case 'release.preparation.done':
      return `${waveOf(data)}version ${data.canary} can take traffic`;
    case 'release.retirement.done':
      return `${waveOf(data)}what no traffic needs any more is scaled back`;
    case 'release.experiment.concluded':
      return withReasons('the experiment has its answer', data);
    case 'release.shift.done':
      if (data.kind === 'experiment') return splitLine(data);
      return `${waveOf(data)}traffic: ${data.weightPercent} % to version ${data.canary}, read back`;
    case 'release.round.judged':
      return roundLine(data);
    case 'release.stage.promoted':
      return withReasons(
        data.kind === 'experiment'
          ? 'the new version goes on to all traffic'
          : `${waveOf(data)}stage ${Number(data.stage) + 1} passed`,
        data,
      );
    case 'release.watch.began':
      return `${waveOf(data)}all traffic is on the new version; ${data.kind === 'bake' ? 'baking before the next wave' : 'watched'} for ${data.seconds} s, and can still go back`;
    case 'release.watch.passed':
      return withReasons(`${waveOf(data)}${data.kind} over`, data);
    case 'release.stage.held':
      return withReasons('held', data);
    case 'release.look.decided':
      return withReasons('to be rolled back', data);
    case 'release.restore.done':
      return `traffic: all back on version ${data.stable}, read back`;
    case 'release.promotion.done':
      return `${waveOf(data)}traffic: all on version ${data.canary}, read back`;
    case 'release.promoted':
    case 'release.rolled-back':
    case 'release.completed':
    case 'release.aborted':
    case 'release.refused':
      return withReasons(`ended: ${event.type.slice('release.'.length)}`, data);
    default:
      return undefined;
  }
};
