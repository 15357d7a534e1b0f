import {
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  type TargetHealth,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import { type AlbRule, forwardOf, isSticky } from '#rollout/adapters/alb-rule.ts';
import type { Weights } from '#rollout/adapters/alb-weights.ts';
import { describeRouting, isAlone } from '#rollout/routing.ts';
import type { Examination, Inspection, Routing } from '#rollout/traffic-shifter.ts';

/** A target's rule, read as its routing. */
export interface FoundRule extends AlbRule {
  /** The rule of testers, where the target names one that is there. */
  readonly testerRule: AlbRule | undefined;
  /** Weights of the forward action by the target's names; by ARN where a group is none of the target's. */
  readonly weights: Weights;
  readonly routing: Routing;
}

export type Unfit = Extract<Inspection, { readonly kind: 'unfit' }>;

const unfit = (code: string, text: string): Unfit => ({ kind: 'unfit', code, text });

/** Why what a rule forwards to can't be changed. */
const changeFault = (ruleArn: string, rule: AlbRule): Unfit | undefined => {
  if (rule.isDefaultRule)
    return unfit(
      'default-rule',
      `${ruleArn} is its listener's default rule; name the listener's ARN instead`,
    );
  if (forwardOf(rule) === undefined)
    return unfit('not-forwarding', `${ruleArn} forwards to no target group; give it a forward action`);
  if (rule.actions.some(({ Type }) => Type === 'authenticate-cognito'))
    return unfit(
      'authenticates-by-cognito',
      `${ruleArn} signs callers in by Cognito; to write that back Sluice would need rights to the user pool`,
    );
  return undefined;
};

const testerFault = ({ testerRuleArn }: AlbTarget, { testerRule }: FoundRule): Unfit | undefined => {
  if (testerRuleArn === undefined) return undefined;
  if (testerRule === undefined)
    return unfit('no-tester-rule', `there is no ${testerRuleArn}; make it, or leave testerRuleArn out`);
  return changeFault(testerRuleArn, testerRule);
};

/** Why weights of this rule can't be moved, or would not move traffic, whatever the version. */
const ruleFault = (target: AlbTarget, rule: FoundRule): Unfit | undefined => {
  const { ruleArn, targetGroups } = target;
  const fault = changeFault(ruleArn, rule);
  if (fault !== undefined) return fault;
  if (isSticky(rule))
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

/** Why a release can't begin from where traffic is. */
const routingFault = (target: AlbTarget, { routing }: FoundRule): Unfit | undefined => {
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
): Promise<Unfit | undefined> => {
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

/** AWS refuses two groups on a rule without stickiness of its own when one of them has sticky sessions. */
const groupFault = async (
  client: ElasticLoadBalancingV2Client,
  { targetGroups }: AlbTarget,
  name: string,
  codeIfGone: string,
): Promise<Unfit | undefined> => {
  const arn = targetGroups[name] ?? '';
  const attributes = await attributesOf(client, arn);
  if (attributes === undefined) return unfit(codeIfGone, `target group ${name} (${arn}) is gone`);
  if (attributes.get('stickiness.enabled') === 'true')
    return unfit(
      'sticky-sessions',
      `target group ${name} has sticky sessions, which its rule's weights can't go with; turn them off`,
    );
  return undefined;
};

/** Everything that speaks against weights between the group that has the traffic and group `canary`. */
export const albFault = async (
  client: ElasticLoadBalancingV2Client,
  target: AlbTarget,
  canary: string,
  rule: FoundRule,
): Promise<Unfit | undefined> =>
  testerFault(target, rule) ??
  ruleFault(target, rule) ??
  routingFault(target, rule) ??
  (rule.routing.primary === canary
    ? unfit('already-running', `target group ${canary} already has all traffic of ${target.ruleArn}`)
    : ((await groupFault(client, target, canary, 'no-version')) ??
      (await groupFault(client, target, rule.routing.primary, 'no-stable-version'))));

/** What there is, whatever comes to be released: the idle groups' health is a release's own matter. */
export const examineAlb = async (
  client: ElasticLoadBalancingV2Client,
  target: AlbTarget,
  rule: FoundRule | undefined,
): Promise<Examination> => {
  if (rule === undefined) return { kind: 'absent', text: `there is no ${target.ruleArn}` };
  const { primary } = rule.routing;
  const faults = [testerFault(target, rule), ruleFault(target, rule), routingFault(target, rule)];
  for (const name of Object.keys(target.targetGroups))
    faults.push(
      await groupFault(client, target, name, name === primary ? 'no-stable-version' : 'no-version'),
    );
  const stableArn = Object.hasOwn(target.targetGroups, primary) ? target.targetGroups[primary] : undefined;
  if (stableArn !== undefined && !faults.some(Boolean))
    faults.push(await healthFault(client, primary, stableArn));
  return {
    kind: 'found',
    routing: rule.routing,
    unfit: faults.flatMap((fault) => (fault === undefined ? [] : [{ code: fault.code, text: fault.text }])),
  };
};

/** What is found when a release of `version` is about to begin on the rule. */
export const inspectAlb = async (
  client: ElasticLoadBalancingV2Client,
  target: AlbTarget,
  version: string,
  rule: FoundRule | undefined,
): Promise<Inspection> => {
  const { ruleArn, targetGroups } = target;
  const canaryArn = Object.hasOwn(targetGroups, version) ? targetGroups[version] : undefined;
  if (canaryArn === undefined)
    return unfit(
      'no-version',
      `${version} is none of the target's groups: ${Object.keys(targetGroups).toSorted().join(', ')}`,
    );
  if (rule === undefined) return unfit('no-target', `there is no ${ruleArn}`);
  return (
    (await albFault(client, target, version, rule)) ??
    (await healthFault(client, version, canaryArn)) ?? {
      kind: 'fit',
      snapshot: { stableVersion: rule.routing.primary },
    }
  );
};
