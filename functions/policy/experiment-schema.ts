import * as z from 'zod';
import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Target } from '#policy/target.ts';
import type { WaveDefinition } from '#policy/wave-definition.ts';
import { experimentPolicyShape, requireOneQuestion } from '#rollout/judge/experiment-policy.ts';
import type { JudgePolicy } from '#rollout/judge/judge-policy.ts';

/**
 * How callers come to one version and stay with it. `cookie`: the load balancer draws for each and remembers by a cookie of its
 * own. `header`: those that match the target's rule for testers get the new version, and whoever sets the header has drawn.
 */
const splitSchema = z.strictObject({
  by: z.enum(['cookie', 'header']),
  /** Of callers that get the new version; with a header, what whoever sets it was told. */
  weightPercent: z.int().min(1).max(99).default(50),
});

/** An A/B experiment as a service or a request describes it: its question, its split, and what follows. */
export const experimentSettingsSchema = z
  .strictObject({
    ...experimentPolicyShape,
    split: splitSchema,
    /** What becomes of a new version that wins. Any other one makes way for the stable version, whatever this says. */
    onSuccess: z.enum(['restore', 'promote']).default('restore'),
    /** Between two looks once the first hour is over. */
    lookSeconds: z.int().min(1).max(3_600).default(300),
    /** How long nothing may be known of the new version's health before it is held or restored: a day, so that a night passes. */
    silenceSeconds: z.int().min(60).max(604_800).default(86_400),
  })
  .superRefine(requireOneQuestion);
export type ExperimentSettings = z.infer<typeof experimentSettingsSchema>;

/** What an experiment of one environment has to go with. */
interface Surroundings {
  readonly target: Target;
  readonly metrics: MetricDefinition;
  readonly waves: readonly WaveDefinition[];
  readonly judge: Pick<JudgePolicy, 'measures'>;
}

interface ExperimentFault {
  readonly path: readonly string[];
  readonly message: string;
}

/** Names of the goals that a source counts; undefined where only the source knows. */
const goalsOf = (metrics: MetricDefinition): readonly string[] | undefined => {
  switch (metrics.source) {
    case 'cloudwatch':
      return [];
    case 'cloudwatch-custom':
      return Object.keys(metrics.goals);
    case 'prometheus':
      return Object.keys(metrics.queries.goals ?? {});
    case 'lambda':
      return undefined;
    default:
      return metrics satisfies never;
  }
};

const splitFaults = ({ split }: ExperimentSettings, target: Target): readonly ExperimentFault[] => {
  if (target.kind !== 'alb' && target.kind !== 'ecs')
    return [
      {
        path: ['split'],
        message: `needs a target behind a load balancer (alb, ecs): nothing keeps a caller of a target of kind ${target.kind} with one version`,
      },
    ];
  return split.by === 'header' && target.testerRuleArn === undefined
    ? [
        {
          path: ['split', 'by'],
          message: 'needs a target with testerRuleArn: the rule that matches the header',
        },
      ]
    : [];
};

const goalFaults = ({ goal }: ExperimentSettings, metrics: MetricDefinition): readonly ExperimentFault[] => {
  const known = goalsOf(metrics);
  if (known === undefined || known.includes(goal)) return [];
  const among = known.length === 0 ? 'the metrics count none' : `the metrics count ${known.join(', ')}`;
  return [{ path: ['goal'], message: `must be a goal that the metrics count by version (goals); ${among}` }];
};

/** What makes an experiment impossible where it is to take place. Paths are those inside its settings. */
export const experimentFaults = (
  experiment: ExperimentSettings,
  { target, metrics, waves, judge }: Surroundings,
): readonly ExperimentFault[] => [
  ...splitFaults(experiment, target),
  ...goalFaults(experiment, metrics),
  ...(waves.length === 0
    ? []
    : [{ path: [], message: 'needs an environment without waves: its sample is the callers of one target' }]),
  ...(judge.measures === 'probes-only'
    ? [{ path: ['goal'], message: 'needs metrics: the judge of this environment looks at probes only' }]
    : []),
  ...(experiment.horizon.seconds >= metrics.periodSeconds
    ? []
    : [
        {
          path: ['horizon', 'seconds'],
          message: `must be at least a period of the metrics (${metrics.periodSeconds})`,
        },
      ]),
];
