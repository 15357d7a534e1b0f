import { App } from 'aws-cdk-lib';
import { CheckoutStack } from './checkout-stack.ts';
import { ShopStack } from './shop-stack.ts';

const app = new App();
const setting = (name: string): string | undefined => app.node.tryGetContext(name);

new CheckoutStack(app, setting('stackName') ?? 'Checkout', {
  functionName: setting('functionName') ?? 'checkout',
  code: setting('code') ?? 'checkout',
});

/** Only where there is a load balancer to hang it on: `-c listenerArn=… -c vpcId=…`. */
const [listenerArn, vpcId] = [setting('listenerArn'), setting('vpcId')];
if (listenerArn !== undefined && vpcId !== undefined) new ShopStack(app, 'Shop', { listenerArn, vpcId });
