import {
  type Action,
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  InvalidConfigurationRequestException,
  ListenerNotFoundException,
  ModifyListenerCommand,
  ModifyRuleCommand,
  RuleNotFoundException,
  TargetGroupNotFoundException,
  type TargetHealth,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { mockClient } from 'aws-sdk-client-mock';

export interface Group {
  readonly health?: readonly TargetHealth[];
  readonly stickySessions?: boolean;
}

interface Options {
  readonly ruleArn: string;
  /** By ARN. */
  readonly groups: Readonly<Record<string, Group>>;
  readonly actions: readonly Action[];
  readonly isDefaultRule?: boolean;
  /** More rules of the same load balancer, by ARN. */
  readonly otherRules?: Readonly<Record<string, readonly Action[]>>;
}

const metadata = { message: '', $metadata: {} };

/** As AWS tells a forward action: its groups in no particular order, one alone also by itself, no secret ever. */
const told = (action: Action): Action => {
  const { TargetGroups, ...config } = action.ForwardConfig ?? {};
  const {
    ClientSecret: _secret,
    UseExistingClientSecret: _use,
    ...oidc
  } = action.AuthenticateOidcConfig ?? {};
  const only = TargetGroups?.length === 1 ? TargetGroups[0]?.TargetGroupArn : undefined;
  return {
    ...action,
    ...(action.AuthenticateOidcConfig && {
      AuthenticateOidcConfig: oidc as Action['AuthenticateOidcConfig'],
    }),
    ...(TargetGroups && { ForwardConfig: { ...config, TargetGroups: TargetGroups.toReversed() } }),
    ...(only !== undefined && { TargetGroupArn: only }),
  };
};

/**
 * As much of Elastic Load Balancing's control plane as weights need, behind the real client: a listener rule, or a
 * listener by default, maybe more rules, and their target groups. No revisions: the last write stands.
 */
export const loadBalancerControlPlane = ({
  ruleArn,
  groups,
  actions,
  isDefaultRule = false,
  otherRules = {},
}: Options) => {
  const present = new Map<string, readonly Action[]>([[ruleArn, actions], ...Object.entries(otherRules)]);
  const written: Action[][] = [];
  /** Which rule each of `written` went to. */
  const writtenTo: string[] = [];
  const client = new ElasticLoadBalancingV2Client({ region: 'eu-central-1' });
  const mock = mockClient(client);

  const write = (arn: string, next: Action[] = []): void => {
    for (const { ForwardConfig, AuthenticateOidcConfig } of next) {
      if (AuthenticateOidcConfig && !AuthenticateOidcConfig.UseExistingClientSecret)
        throw new InvalidConfigurationRequestException(metadata);
      for (const { TargetGroupArn = '', Weight = 1 } of ForwardConfig?.TargetGroups ?? []) {
        if (groups[TargetGroupArn] === undefined) throw new TargetGroupNotFoundException(metadata);
        if (!Number.isInteger(Weight) || Weight < 0 || Weight > 999)
          throw Object.assign(new Error(`weight ${Weight}`), { name: 'ValidationError' });
      }
    }
    written.push(next);
    writtenTo.push(arn);
    present.set(arn, next);
  };
  const groupOf = (arn: string | undefined): Group => {
    const group = groups[arn ?? ''];
    if (group === undefined) throw new TargetGroupNotFoundException(metadata);
    return group;
  };

  mock.on(DescribeRulesCommand).callsFake(async ({ RuleArns: [arn] }) => {
    const found = present.get(arn);
    if (found === undefined) throw new RuleNotFoundException(metadata);
    return { Rules: [{ RuleArn: arn, IsDefault: isDefaultRule, Actions: found.map(told) }] };
  });
  mock.on(DescribeListenersCommand).callsFake(async ({ ListenerArns: [arn] }) => {
    const found = present.get(arn);
    if (found === undefined) throw new ListenerNotFoundException(metadata);
    return { Listeners: [{ ListenerArn: arn, DefaultActions: found.map(told) }] };
  });
  mock.on(ModifyRuleCommand).callsFake(async ({ RuleArn, Actions }) => write(RuleArn, Actions));
  mock
    .on(ModifyListenerCommand)
    .callsFake(async ({ ListenerArn, DefaultActions }) => write(ListenerArn, DefaultActions));
  mock.on(DescribeTargetGroupAttributesCommand).callsFake(async ({ TargetGroupArn }) => ({
    Attributes: [
      { Key: 'stickiness.enabled', Value: String(groupOf(TargetGroupArn).stickySessions ?? false) },
    ],
  }));
  mock.on(DescribeTargetHealthCommand).callsFake(async ({ TargetGroupArn }) => ({
    TargetHealthDescriptions: (groupOf(TargetGroupArn).health ?? [{ State: 'healthy' }]).map(
      (TargetHealth) => ({
        TargetHealth,
      }),
    ),
  }));
  return {
    client,
    mock,
    written,
    writtenTo,
    /** As somebody else's write. */
    put: (next: readonly Action[], arn: string = ruleArn): void => void present.set(arn, next),
    remove: (arn: string): void => void present.delete(arn),
    actionsOf: (arn: string): readonly Action[] => present.get(arn) ?? [],
  };
};
