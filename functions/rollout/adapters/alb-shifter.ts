import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Action,
  DescribeListenersCommand,
  DescribeRulesCommand,
  type ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { digestOf } from '#platform/digest.ts';
import { ConflictError, NotFoundError, TransientError } from '#platform/errors.ts';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import { inspectAlb, type Rule } from '#rollout/adapters/alb-inspection.ts';
import { routingOf, type Split, type Weights, weightsFor } from '#rollout/adapters/alb-weights.ts';
import { isAlone } from '#rollout/routing.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

/**
 * Longest that a write can be under way which was compared before a restore wrote: its client gives up after 2 s
 * (platform/clients.ts).
 */
const WRITE_UNDER_WAY_MS = 2_500;

const isListener = (ruleArn: string): boolean => ruleArn.includes(':listener/');
const isForward = ({ Type }: Action): boolean => Type === 'forward';

const weightsOf = ({ targetGroups }: AlbTarget, forward: Action | undefined): Weights => {
  const names = new Map(Object.entries(targetGroups).map(([name, arn]) => [arn, name]));
  const tuples =
    forward?.ForwardConfig?.TargetGroups ??
    (forward?.TargetGroupArn === undefined ? [] : [{ TargetGroupArn: forward.TargetGroupArn }]);
  return Object.fromEntries(
    tuples.map(({ TargetGroupArn = '', Weight = 1 }) => [
      names.get(TargetGroupArn) ?? TargetGroupArn,
      Weight,
    ]),
  );
};

/** All that a write replaces, whatever order AWS tells it in: what changed in any of it was changed by someone. */
const revisionOf = (actions: readonly Action[], weights: Weights): string =>
  digestOf({
    weights,
    sticky: actions.find(isForward)?.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true,
    others: actions
      .filter((action) => !isForward(action))
      .toSorted((a, b) => (a.Order ?? 0) - (b.Order ?? 0)),
  });

/** An action as it may be sent back: AWS never tells a client secret, and keeps the one it has when asked to. */
const kept = (action: Action): Action =>
  action.AuthenticateOidcConfig === undefined
    ? action
    : {
        ...action,
        AuthenticateOidcConfig: { ...action.AuthenticateOidcConfig, UseExistingClientSecret: true },
      };

/**
 * Moves the weights of a listener rule's forward action. Elastic Load Balancing has no revisions: every write differs
 * from what it replaces (alb-weights.ts), and one on a condition reads right before it writes. What comes between that
 * read and the write's arrival is not seen here. The fence, compared after every write, takes such a shift back; and a
 * restore, which moves traffic at once, is not done before every write that it could not see has arrived.
 */
export const albShifter = (
  client: ElasticLoadBalancingV2Client,
  choose: (count: number) => number = (count) => randomInt(count),
  pause: (milliseconds: number) => Promise<unknown> = (milliseconds) => sleep(milliseconds),
): TrafficShifter<AlbTarget> => {
  const call = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await orTransient('Elastic Load Balancing', answer);
    } catch (error) {
      if (isNamed(error, 'PriorRequestNotCompleteException'))
        throw new TransientError('the load balancer is still at work on another change', { cause: error });
      throw error;
    }
  };

  const describe = async (ruleArn: string): Promise<Pick<Rule, 'actions' | 'isDefaultRule'> | undefined> => {
    try {
      if (isListener(ruleArn)) {
        const { Listeners } = await call(
          client.send(new DescribeListenersCommand({ ListenerArns: [ruleArn] })),
        );
        return Listeners?.[0] && { actions: Listeners[0].DefaultActions ?? [], isDefaultRule: false };
      }
      const { Rules } = await call(client.send(new DescribeRulesCommand({ RuleArns: [ruleArn] })));
      return Rules?.[0] && { actions: Rules[0].Actions ?? [], isDefaultRule: Rules[0].IsDefault === true };
    } catch (error) {
      if (isNamed(error, 'RuleNotFoundException') || isNamed(error, 'ListenerNotFoundException'))
        return undefined;
      throw error;
    }
  };

  const findRule = async (target: AlbTarget): Promise<Rule | undefined> => {
    const found = await describe(target.ruleArn);
    if (found === undefined) return undefined;
    const weights = weightsOf(target, found.actions.find(isForward));
    const routing = {
      ...routingOf(Object.keys(target.targetGroups), weights),
      revision: revisionOf(found.actions, weights),
    };
    return { ...found, weights, routing };
  };

  const readRule = async (target: AlbTarget): Promise<Rule> => {
    const rule = await findRule(target);
    if (rule === undefined) throw new NotFoundError(`there is no ${target.ruleArn}`);
    return rule;
  };

  const write = async (target: AlbTarget, split: Split, revision?: string): Promise<void> => {
    for (const version of [split.primary, split.canary])
      if (!Object.hasOwn(target.targetGroups, version))
        throw new NotFoundError(`the target names no target group ${version}`);
    const rule = await readRule(target);
    if (revision !== undefined && revision !== rule.routing.revision)
      throw new ConflictError(`${target.ruleArn} was changed meanwhile`);
    const weights = weightsFor(Object.keys(target.targetGroups), split, rule.weights, choose);
    const forward: Action = {
      Type: 'forward',
      Order: rule.actions.find(isForward)?.Order ?? rule.actions.length + 1,
      ForwardConfig: {
        TargetGroups: Object.entries(target.targetGroups).map(([name, TargetGroupArn]) => ({
          TargetGroupArn,
          Weight: weights[name] ?? 0,
        })),
        // Clients that stick to a group would stay on the canary whatever its weight, also after a restore.
        TargetGroupStickinessConfig: { Enabled: false },
      },
    };
    // Whatever else the rule does first, such as asking who the caller is, is no business of a rollout and stays.
    const actions = [...rule.actions.filter((action) => !isForward(action)).map(kept), forward];
    const { ruleArn } = target;
    await (isListener(ruleArn)
      ? call(client.send(new ModifyListenerCommand({ ListenerArn: ruleArn, DefaultActions: actions })))
      : call(client.send(new ModifyRuleCommand({ RuleArn: ruleArn, Actions: actions }))));
  };

  const sole = (version: string): Split => ({ primary: version, canary: version, weightPercent: 0 });

  const restore = async (target: AlbTarget, stable: string, revision?: string): Promise<void> => {
    await write(target, sole(stable), revision);
    await pause(WRITE_UNDER_WAY_MS);
    if (isAlone((await readRule(target)).routing, stable)) return;
    if (revision !== undefined)
      throw new ConflictError(`${target.ruleArn} was changed right after the restore`);
    await write(target, sole(stable));
  };

  return {
    readRouting: async (target) => (await readRule(target)).routing,
    inspect: async (target, version) => inspectAlb(client, target, version, await findRule(target)),
    setWeight: (target, { stable, canary, weightPercent }, revision) =>
      write(target, { primary: stable, canary, weightPercent }, revision),
    promote: (target, version, revision) => write(target, sole(version), revision),
    restore,
  };
};
