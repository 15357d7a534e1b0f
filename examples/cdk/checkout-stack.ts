import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

interface CheckoutProps extends StackProps {
  readonly functionName: string;
  /** Folder with the code. */
  readonly code: string;
}

/**
 * A function whose versions this stack publishes and whose alias Sluice moves. Deploy it, register the service, and ask
 * for a release of output `Version` after each deployment.
 */
export class CheckoutStack extends Stack {
  constructor(scope: Construct, id: string, { functionName, code, ...props }: CheckoutProps) {
    super(scope, id, props);
    const checkout = new lambda.Function(this, 'Checkout', {
      functionName,
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(code),
      // Without it each deployment deletes the version before, to which a release has to be able to go back.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    // Asking for it is what publishes a version whenever code or configuration change.
    const published = checkout.currentVersion;
    // Not `new lambda.Alias`, nor `addAlias`: those point the alias to what was just published, past every release. A
    // fixed number is written once, when the alias is created; CloudFormation writes it again only if anything of this
    // resource changes here, so nothing of it may. A function that is new has its first version by then.
    const live = new lambda.CfnAlias(this, 'Live', {
      functionName: checkout.functionName,
      name: 'live',
      functionVersion: '1',
    });
    live.node.addDependency(published);
    new CfnOutput(this, 'Version', { key: 'Version', value: published.version });
  }
}
