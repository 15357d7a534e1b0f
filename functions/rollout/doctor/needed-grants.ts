import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import type { Target } from '#policy/target.ts';
import { targetArn } from '#policy/target-arn.ts';

/** One thing that has to be allowed to those who make a target's traffic move, by their functions' own names. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
  readonly by: readonly string[];
}

/** A grant that somebody lacks; `who` by the function's name without the stack's prefix. */
export interface MissingGrant extends Omit<Grant, 'by'> {
  readonly who: string;
}

/** What those who move targets may do, as IAM evaluates it. */
export interface MoverGrants {
  missing(needed: readonly Grant[]): Promise<readonly MissingGrant[]>;
}

/** Everyone who writes where traffic goes: on the way forward, at the end of it, back, and at the doors. */
const MOVERS = [
  'shift-traffic',
  'promote-version',
  'restore-traffic',
  'obey-command',
  'take-command',
  'heed-alarm',
] as const;

const needed = (
  resource: string,
  actions: readonly string[],
  by: readonly string[] = MOVERS,
): readonly Grant[] => actions.map((action) => ({ action, resource, by }));

const ruleGrants = (
  { ruleArn, testerRuleArn }: { ruleArn: string; testerRuleArn?: string | undefined },
  readers: readonly string[] = MOVERS,
) =>
  [ruleArn, ...(testerRuleArn === undefined ? [] : [testerRuleArn])].flatMap((arn) => {
    const [what, one] = arn.includes(':listener/') ? ['Listeners', 'Listener'] : ['Rules', 'Rule'];
    return [
      ...needed('*', [`elasticloadbalancing:Describe${what}`], readers),
      ...needed(arn, [`elasticloadbalancing:Modify${one}`]),
    ];
  });

/** Who puts the next version where it is to run: on the way forward, and at a rollback, which has no steps. */
const PREPARERS = ['shift-traffic', 'promote-version'] as const;

/** And who gives its tasks back, once it is seen that no traffic goes there. */
const ECS_WRITERS = [...MOVERS, 'retire-targets'] as const;

/** As which role the next version runs stands in its task definition: whether that may be handed on is not asked. */
const serviceGrants = (target: EcsTarget, arn: (resource: string) => string): readonly Grant[] => [
  ...Object.values(target.services).flatMap(({ service }) =>
    needed(
      arn(`service/${target.cluster}/${service}`),
      ['ecs:DescribeServices', 'ecs:UpdateService'],
      ECS_WRITERS,
    ),
  ),
  ...needed('*', ['ecs:DescribeTaskDefinition'], ECS_WRITERS),
  ...needed('*', ['ecs:RegisterTaskDefinition', 'elasticloadbalancing:DescribeTargetHealth'], PREPARERS),
];

/**
 * What the shifter of the target's kind asks of AWS on the way there and back.
 * @param functionArnPrefix `arn:aws:lambda:REGION:ACCOUNT:function`, of the stack's own region
 */
export const neededGrants = (target: Target, functionArnPrefix: string): readonly Grant[] => {
  const arn = (service: string, region: string | undefined) => (resource: string) =>
    targetArn(functionArnPrefix, service, region, resource);
  switch (target.kind) {
    case 'lambda-alias':
      return needed(arn('lambda', target.region)(`function:${target.functionName}`), [
        'lambda:GetAlias',
        'lambda:UpdateAlias',
      ]);
    case 'alb':
      return ruleGrants(target);
    case 'ecs':
      return [
        ...ruleGrants(target, ECS_WRITERS),
        ...serviceGrants(target, arn('ecs', target.ruleArn.split(':')[3])),
      ];
    case 'appconfig-flag': {
      const { applicationId, environmentId, profileId, region } = target;
      const inApplication = (resource: string) =>
        arn('appconfig', region)(`application/${applicationId}${resource}`);
      return [
        ...needed(inApplication(`/environment/${environmentId}`), [
          'appconfig:ListDeployments',
          'appconfig:StartDeployment',
        ]),
        ...needed(inApplication(`/environment/${environmentId}/deployment/1`), [
          'appconfig:GetDeployment',
          'appconfig:StopDeployment',
        ]),
        ...needed(inApplication(`/configurationprofile/${profileId}`), [
          'appconfig:CreateHostedConfigurationVersion',
        ]),
      ];
    }
    case 'custom':
      return needed(arn('lambda', target.region)(`function:${target.functionName}:${target.alias}`), [
        'lambda:InvokeFunction',
      ]);
    default:
      return target satisfies never;
  }
};
