import {
  type Action,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  type TargetHealth,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import type { Weights } from '#rollout/adapters/alb-weights.ts';
import { describeRouting, isAlone } from '#rollout/routing.ts';
import type { Inspection, Routing } from '#rollout/traffic-shifter.ts';

/** What a rule, or a listener by default, does with a request. */
export interface Rule {
  readonly actions: readonly Action[];
  /** The default of its listener, which only the listener's own ARN can change. */
  readonly isDefaultRule: boolean;
  /** Weights of the forward action by the target's names; by ARN where a group is none of the target's. */
  readonly weights: Weights;
  readonly routing: Routing;
}

const unfit = (code: string, text: string): Inspection => ({ kind: 'unfit', code, text });

/** Why weights of this rule can't be moved, or would not move traffic, whatever the version. */
const ruleFault = ({ ruleArn, targetGroups }: AlbTarget, rule: Rule): Inspection | undefined => {
  const forward = rule.actions.find(({ Type }) => Type === 'forward');
  if (rule.isDefaultRule)
    return unfit(
      'default-rule',
      `${ruleArn} is its listener's default rule; name the listener's ARN instead`,
    );
  if (forward === undefined)
    return unfit('not-forwarding', `${ruleArn} forwards to no target group; give it a forward action`);
  if (rule.actions.some(({ Type }) => Type === 'authenticate-cognito'))
    return unfit(
      'authenticates-by-cognito',
      `${ruleArn} signs callers in by Cognito; to write that back Sluice would need rights to the user pool`,
    );
  if (forward.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true)
    return unfit(
      'sticky',
      `target-group stickiness of ${ruleArn} overrides its weights; turn it off on the forward action`,
    );
  const others = Object.keys(rule.weights).filter((group) => !Object.hasOwn(targetGroups, group));
  if (others.length > 0)
    return unfit(
      'other-target-group',
      `${ruleArn} also forwards to ${others.join(', ')}; remove it, or name it in the target`,
    );
  return undefined;
};

const routingFault = (target: AlbTarget, version: string, { routing }: Rule): Inspection | undefined => {
  if (!isAlone(routing, routing.primary))
    return unfit(
      'already-weighted',
      `${target.ruleArn} already splits its traffic: ${describeRouting(routing)}; bring it to one target group first`,
    );
  if (routing.primary === '')
    return unfit(
      'no-stable-version',
      `every weight of ${target.ruleArn} is zero; give one group all traffic`,
    );
  if (routing.primary === version)
    return unfit('already-running', `target group ${version} already has all traffic of ${target.ruleArn}`);
  return undefined;
};

/** The target group's attributes; undefined when there is no such group. */
const attributesOf = async (
  client: ElasticLoadBalancingV2Client,
  TargetGroupArn: string,
): Promise<ReadonlyMap<string, string> | undefined> => {
  try {
    const { Attributes } = await orTransient(
      'Elastic Load Balancing',
      client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn })),
    );
    return new Map((Attributes ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch (error) {
    if (isNamed(error, 'TargetGroupNotFoundException')) return undefined;
    throw error;
  }
};

/** A Lambda function as a target has no health until its group's checks are turned on; it takes requests. */
const takesRequests = ({ State, Reason }: TargetHealth): boolean =>
  State === 'healthy' || (State === 'unavailable' && Reason === 'Target.HealthCheckDisabled');

const healthFault = async (
  client: ElasticLoadBalancingV2Client,
  name: string,
  TargetGroupArn: string,
): Promise<Inspection | undefined> => {
  const { TargetHealthDescriptions = [] } = await orTransient(
    'Elastic Load Balancing',
    client.send(new DescribeTargetHealthCommand({ TargetGroupArn })),
  );
  const states = TargetHealthDescriptions.flatMap(({ TargetHealth }) => TargetHealth ?? []);
  if (states.some(takesRequests)) return undefined;
  const seen = [...new Set(states.map(({ State }) => State ?? 'unknown'))].toSorted().join(', ');
  return unfit(
    'no-healthy-target',
    states.length === 0
      ? `target group ${name} has no targets; register them before the release`
      : `no target of group ${name} is healthy (${seen})${
          seen === 'unused' ? '; name the group in the rule with a weight of 0, so that it is checked' : ''
        }`,
  );
};

/** What is found when a release of `version` is about to begin on the rule. */
export const inspectAlb = async (
  client: ElasticLoadBalancingV2Client,
  target: AlbTarget,
  version: string,
  rule: Rule | undefined,
): Promise<Inspection> => {
  const { ruleArn, targetGroups } = target;
  const canaryArn = Object.hasOwn(targetGroups, version) ? targetGroups[version] : undefined;
  if (canaryArn === undefined)
    return unfit(
      'no-version',
      `${version} is none of the target's groups: ${Object.keys(targetGroups).toSorted().join(', ')}`,
    );
  if (rule === undefined) return unfit('no-target', `there is no ${ruleArn}`);
  const fault = ruleFault(target, rule) ?? routingFault(target, version, rule);
  if (fault !== undefined) return fault;
  const stable = rule.routing.primary;
  for (const [name, arn, code] of [
    [version, canaryArn, 'no-version'],
    [stable, targetGroups[stable] ?? '', 'no-stable-version'],
  ] as const) {
    const attributes = await attributesOf(client, arn);
    if (attributes === undefined) return unfit(code, `target group ${name} (${arn}) is gone`);
    // AWS refuses two groups on a rule without stickiness of its own when one of them has sticky sessions.
    if (attributes.get('stickiness.enabled') === 'true')
      return unfit(
        'sticky-sessions',
        `target group ${name} has sticky sessions, which its rule's weights can't go with; turn them off`,
      );
  }
  return (
    (await healthFault(client, version, canaryArn)) ?? { kind: 'fit', snapshot: { stableVersion: stable } }
  );
};
