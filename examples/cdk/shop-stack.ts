import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';

interface ShopProps extends StackProps {
  readonly listenerArn: string;
  readonly vpcId: string;
}

/**
 * Two target groups behind one rule, whose weights Sluice moves. The stack states them once; CloudFormation writes them
 * again whenever anything of the rule changes here, conditions and priority included. Change those only while no release
 * is at work, and with the weights that the rule has then.
 */
export class ShopStack extends Stack {
  constructor(scope: Construct, id: string, { listenerArn, vpcId, ...props }: ShopProps) {
    super(scope, id, props);
    const group = (name: string) =>
      new elbv2.CfnTargetGroup(this, name, {
        vpcId,
        protocol: 'HTTP',
        port: 8080,
        targetType: 'ip',
        healthCheckPath: '/up',
      });
    const [blue, green] = [group('Blue'), group('Green')];
    const rule = new elbv2.CfnListenerRule(this, 'Rule', {
      listenerArn,
      priority: 10,
      conditions: [{ field: 'path-pattern', pathPatternConfig: { values: ['/shop/*'] } }],
      actions: [
        {
          type: 'forward',
          forwardConfig: {
            // Both, the idle one too: a group that no rule names has no health checks.
            targetGroups: [
              { targetGroupArn: blue.ref, weight: 100 },
              { targetGroupArn: green.ref, weight: 0 },
            ],
          },
        },
      ],
    });
    for (const [name, { ref }] of Object.entries({ Rule: rule, Blue: blue, Green: green }))
      new CfnOutput(this, `${name}Arn`, { key: `${name}Arn`, value: ref });
  }
}
