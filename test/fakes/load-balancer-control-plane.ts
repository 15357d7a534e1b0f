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
 * As much of Elastic Load Balancing's control plane as weights need, behind the real client: one listener rule, or one
 * listener by default, and its target groups. No revisions: the last write stands.
 */
export const loadBalancerControlPlane = ({ ruleArn, groups, actions, isDefaultRule = false }: Options) => {
  let present: readonly Action[] = actions;
  const written: Action[][] = [];
  const client = new ElasticLoadBalancingV2Client({ region: 'eu-central-1' });
  const mock = mockClient(client);

  const write = (next: Action[] = []): void => {
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
    present = next;
  };
  const groupOf = (arn: string | undefined): Group => {
    const group = groups[arn ?? ''];
    if (group === undefined) throw new TargetGroupNotFoundException(metadata);
    return group;
  };

  mock.on(DescribeRulesCommand).callsFake(async ({ RuleArns: [arn] }) => {
    if (arn !== ruleArn) throw new RuleNotFoundException(metadata);
    return { Rules: [{ RuleArn: arn, IsDefault: isDefaultRule, Actions: present.map(told) }] };
  });
  mock.on(DescribeListenersCommand).callsFake(async ({ ListenerArns: [arn] }) => {
    if (arn !== ruleArn) throw new ListenerNotFoundException(metadata);
    return { Listeners: [{ ListenerArn: arn, DefaultActions: present.map(told) }] };
  });
  mock.on(ModifyRuleCommand).callsFake(async ({ Actions }) => write(Actions));
  mock.on(ModifyListenerCommand).callsFake(async ({ DefaultActions }) => write(DefaultActions));
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
  return { client, mock, written, put: (next: readonly Action[]) => (present = next) };
};
