import {
  type Action,
  DescribeListenersCommand,
  DescribeRulesCommand,
  type ElasticLoadBalancingV2Client,
  type ForwardActionConfig,
  ModifyListenerCommand,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';

/** What a listener rule, or a listener by default, does with a request. */
export interface AlbRule {
  readonly actions: readonly Action[];
  /** The default of its listener, which only the listener's own ARN can change. */
  readonly isDefaultRule: boolean;
}

const isListener = (ruleArn: string): boolean => ruleArn.includes(':listener/');
const isForward = ({ Type }: Action): boolean => Type === 'forward';

export const forwardOf = ({ actions }: AlbRule): Action | undefined => actions.find(isForward);

/** Weights of the forward action by the ARN of their group. */
export const groupWeightsOf = (rule: AlbRule): ReadonlyMap<string, number> => {
  const forward = forwardOf(rule);
  const tuples =
    forward?.ForwardConfig?.TargetGroups ??
    (forward?.TargetGroupArn === undefined ? [] : [{ TargetGroupArn: forward.TargetGroupArn }]);
  return new Map(tuples.map(({ TargetGroupArn = '', Weight = 1 }) => [TargetGroupArn, Weight]));
};

export const isSticky = (rule: AlbRule): boolean =>
  forwardOf(rule)?.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true;

/** Whatever else the rule does first, in an order of our own. */
export const othersOf = ({ actions }: AlbRule): readonly Action[] =>
  actions.filter((action) => !isForward(action)).toSorted((a, b) => (a.Order ?? 0) - (b.Order ?? 0));

/** An action as it may be sent back: AWS never tells a client secret, and keeps the one it has when asked to. */
const kept = (action: Action): Action =>
  action.AuthenticateOidcConfig === undefined
    ? action
    : {
        ...action,
        AuthenticateOidcConfig: { ...action.AuthenticateOidcConfig, UseExistingClientSecret: true },
      };

export interface AlbRules {
  find(ruleArn: string): Promise<AlbRule | undefined>;
  /** Replaces what the rule forwards to; all else that it does, such as asking who the caller is, stays. */
  forward(ruleArn: string, present: AlbRule, config: ForwardActionConfig): Promise<void>;
}

export const albRules = (client: ElasticLoadBalancingV2Client): AlbRules => {
  const call = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await orTransient('Elastic Load Balancing', answer);
    } catch (error) {
      if (isNamed(error, 'PriorRequestNotCompleteException'))
        throw new TransientError('the load balancer is still at work on another change', { cause: error });
      throw error;
    }
  };

  return {
    find: async (ruleArn) => {
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
    },
    forward: async (ruleArn, present, config) => {
      const forward: Action = {
        Type: 'forward',
        Order: forwardOf(present)?.Order ?? present.actions.length + 1,
        ForwardConfig: config,
      };
      const actions = [...present.actions.filter((action) => !isForward(action)).map(kept), forward];
      await (isListener(ruleArn)
        ? call(client.send(new ModifyListenerCommand({ ListenerArn: ruleArn, DefaultActions: actions })))
        : call(client.send(new ModifyRuleCommand({ RuleArn: ruleArn, Actions: actions }))));
    },
  };
};
