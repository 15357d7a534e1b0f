import type { LedgerEventType } from '../../functions/ledger/event-types.ts';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import type { Progress, Reason } from '../../functions/releases/release.ts';
import type { releaseRoutes } from '../../functions/releases/routes.ts';
import { stepDeadlineSeconds, stepsOf } from '../../functions/releases/step.ts';
import { settleSecondsOf } from '../../functions/rollout/stage-clock.ts';
import type { RouteOutput } from '../api-client.ts';
import { paint } from '../output.ts';

export type ReleaseView = RouteOutput<typeof releaseRoutes.getRelease>;

const PHASE_STYLES: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  running: 'cyan',
  restoring: 'yellow',
  promoted: 'green',
  'rolled-back': 'red',
  completed: 'green',
  aborted: 'yellow',
  refused: 'red',
};

export const phaseWord = (phase: string): string => paint(PHASE_STYLES[phase] ?? 'bold', phase);

const BAR_CELLS = 20;

const bar = (percent: number): string => {
  const full = Math.round((percent / 100) * BAR_CELLS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${percent} %`;
};

const points = (value: number | undefined): string => value?.toFixed(1) ?? '–';

/** `95` → `1 min 35 s`. */
export const spell = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3_600), 'h'],
    [Math.floor((whole % 3_600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  const from = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(from === -1 ? 3 : from)
    .slice(0, 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
};

const inOrAgo = (at: number, now: number): string =>
  at >= now ? `in ${spell((at - now) / 1_000)}` : `${spell((now - at) / 1_000)} ago`;

const BEGINNINGS: readonly LedgerEventType[] = ['release.shift.done', 'release.watch.began'];

/** When Sluice stops waiting by itself, and for what; undefined while nothing is waited for. */
export const deadlineOf = (
  release: ReleaseView,
  records: readonly LedgerRecord[],
): { readonly at: number; readonly means: string } | undefined => {
  const { progress, paused, plan } = release;
  if (release.mode !== 'forward' || progress === undefined) return undefined;
  if (paused !== undefined)
    return {
      at: Date.parse(paused.at) + plan.pauseSeconds * 1_000,
      means: 'traffic is restored, if still paused',
    };
  const step = stepsOf(release)[progress.step];
  // Each step has one record of its beginning, made when its traffic was read back.
  const begun = records.filter(({ event }) => BEGINNINGS.includes(event.type))[progress.step];
  const [wave, snapshot] = [release.waves[progress.wave], release.snapshots?.[progress.wave]];
  if (step === undefined || begun === undefined || wave === undefined || snapshot === undefined)
    return undefined;
  const settleSeconds = settleSecondsOf(wave.metrics, snapshot);
  const at = (seconds: number) => Date.parse(begun.event.timestamp) + seconds * 1_000;
  if (step.kind === 'experiment' && plan.experiment !== undefined)
    return {
      at: at(plan.experiment.settings.horizon.seconds + settleSeconds),
      means: 'the experiment is over, with or without a winner',
    };
  return {
    at: at(stepDeadlineSeconds(plan, step, settleSeconds)),
    means: 'it is held or restored, if not decided',
  };
};

const reasonLines = (reasons: readonly Reason[] = []): string[] => reasons.map(({ text }) => `  – ${text}`);

const row = (name: string, value: string): string => `${name.padEnd(9)} ${value}`;

const progressLines = ({ progress, waves }: ReleaseView): string[] => {
  if (progress === undefined) return [];
  const { kind, wave, stage, stages, round, rounds, weightPercent, score, scoreUpper, baselineScore } =
    progress;
  const place = kind === 'stage' ? `${stage + 1} of ${stages}` : kind;
  const name = waves[wave]?.name;
  return [
    ...(waves.length > 1 ? [row('wave', `${name ?? '–'} (${wave + 1} of ${waves.length})`)] : []),
    row('traffic', bar(weightPercent)),
    row('stage', `${place}${rounds === undefined ? '' : `, round ${round ?? 0} of ${rounds}`}`),
    row('score', `${points(score)} (at best ${points(scoreUpper)}, stable version ${points(baselineScore)})`),
    ...reasonLines(progress.reasons),
  ];
};

const inPoints = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toPrecision(3)}`;

const DECIDED: Readonly<Record<string, string>> = {
  canary: 'the new version won',
  stable: 'the stable version won',
  'no-difference': 'no difference that it was to find',
  'no-decision': 'no decision, for want of data',
};

/** What an experiment has shown; before the end of one with a fixed horizon, how many it has seen. */
const experimentLines = ({
  n,
  reached,
  decision,
  difference,
  interval,
  p,
  lnE,
}: NonNullable<Progress['experiment']>): string[] => {
  const of = (arm: 'canary' | 'stable') =>
    reached === undefined ? `${n[arm]}` : `${reached[arm]} of ${n[arm]}`;
  const sure = p === undefined ? `E = ${Math.exp(lnE ?? 0).toPrecision(3)}` : `p = ${p.toPrecision(2)}`;
  return [
    row('question', decision === undefined ? 'open' : (DECIDED[decision] ?? decision)),
    row('sample', `${of('canary')} on the new version, ${of('stable')} on the stable one`),
    ...(difference === undefined || interval === undefined
      ? []
      : [
          row(
            'shows',
            `${inPoints(difference)} points (${inPoints(interval[0])} to ${inPoints(interval[1])}), ${sure}`,
          ),
        ]),
  ];
};

/** Everything that people want to know of a release at a glance, a line each. */
export const releaseLines = (
  release: ReleaseView,
  records: readonly LedgerRecord[],
  now: number,
): readonly string[] => {
  const { releaseId, service, environment, version, strategy, phase } = release;
  const { requestedBy, requestedAt, notes, paused } = release;
  const deadline = deadlineOf(release, records);
  const looked = release.progress?.lookedAt;
  const ended = release.concludedAt;
  return [
    `${paint('bold', `${service} ${version}`)} in ${environment}  ${phaseWord(phase)}  ${releaseId}`,
    ...(strategy === 'canary' ? [] : [row('strategy', strategy)]),
    row('asked by', `${requestedBy.login} at ${requestedAt.slice(0, 19).replace('T', ' ')} UTC`),
    ...(notes === undefined ? [] : [row('notes', notes)]),
    ...(ended === undefined ? progressLines(release) : []),
    ...(release.progress?.experiment ? experimentLines(release.progress.experiment) : []),
    ...(paused === undefined ? [] : [row('paused', `by ${paused.by.login}: ${paused.reason}`)]),
    ...(deadline === undefined ? [] : [row('deadline', `${inOrAgo(deadline.at, now)}: ${deadline.means}`)]),
    ...(looked === undefined || ended !== undefined
      ? []
      : [row('last look', inOrAgo(Date.parse(looked), now))]),
    ...(ended === undefined ? [] : [row('ended', `${ended.slice(0, 19).replace('T', ' ')} UTC`)]),
    ...reasonLines(release.reasons ?? release.restoreCause),
  ];
};
