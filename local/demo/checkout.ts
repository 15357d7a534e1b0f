import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CreateRoleCommand, GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { zipSync } from 'fflate';
import type * as z from 'zod';
import type { serviceDefinitionSchema } from '../../functions/policy/service-definition.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../credentials.ts';

export const CHECKOUT = 'checkout';
export const ALIAS = 'live';
export const DEMO_NAMESPACE = 'Checkout';

/** The demo's versions, in the order in which they are published: 1 is what runs before anything is released. */
export const VARIANTS = {
  stable: { version: '1', workMs: 30, failPercent: 0 },
  good: { version: '2', workMs: 28, failPercent: 0 },
  slow: { version: '3', workMs: 120, failPercent: 0 },
  failing: { version: '4', workMs: 30, failPercent: 35 },
} as const;

type Definition = z.input<typeof serviceDefinitionSchema>;
type Settings = Definition['environments'][string];

/** Where the traffic generator reports what Lambda's own metrics don't know, and how fast it settles. */
export const demoMetrics: Settings['metrics'] = {
  source: 'cloudwatch',
  invokedBy: 'http',
  periodSeconds: 1,
  settleSeconds: 2,
  serverErrors: { namespace: DEMO_NAMESPACE, metricName: 'ServerErrors' },
  slowerThan: { from: 'count-metrics', namespace: DEMO_NAMESPACE, prefix: 'SlowerThanMs' },
};

/**
 * The demo's definition. Its rounds are seconds where a team's are minutes; its metrics are high-resolution ones and
 * settle at once. Nothing but these settings makes the tour short.
 */
export const checkoutDefinition: Definition = {
  description: 'A demo: takes orders, sometimes badly.',
  owner: 'the local tour',
  environments: {
    production: {
      target: { kind: 'lambda-alias', functionName: CHECKOUT, alias: ALIAS },
      plan: {
        stages: [
          { weightPercent: 10, rounds: 2, roundSeconds: 5 },
          { weightPercent: 50, rounds: 2, roundSeconds: 5 },
          { weightPercent: 100, rounds: 1, roundSeconds: 5 },
        ],
        stageDeadlineSeconds: 60,
        holdSeconds: 30,
        watchSeconds: 5,
      },
      metrics: demoMetrics,
      judge: { minimumCanaryRequests: 20 },
    },
  },
};

const wait = { maxWaitTime: 60, minDelay: 0.1, maxDelay: 0.5 };

const variantEnvironment = ({ workMs, failPercent }: { workMs: number; failPercent: number }) => ({
  Variables: { WORK_MS: String(workMs), FAIL_PERCENT: String(failPercent) },
});

/** The role that the demo's functions share; it may do nothing. */
const demoRoleArn = async (iam: IAMClient): Promise<string> => {
  const RoleName = `${CHECKOUT}-demo`;
  try {
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        }),
      }),
    );
    return Role?.Arn ?? '';
  } catch (error) {
    if (!(error instanceof Error && error.name === 'EntityAlreadyExistsException')) throw error;
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    return Role?.Arn ?? '';
  }
};

/** Creates the function, publishes every variant, and points the alias at the stable one. */
export const createCheckout = async (
  endpoint: string,
  functionName: string = CHECKOUT,
  region: string = LOCAL_REGION,
): Promise<void> => {
  const settings = { endpoint, region, credentials: LOCAL_CREDENTIALS };
  const iam = new IAMClient(settings);
  const lambda = new LambdaClient(settings);
  try {
    const code = readFileSync(path.join(import.meta.dirname, 'checkout.mjs'));
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: functionName,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: await demoRoleArn(iam),
        Timeout: 5,
        Code: { ZipFile: zipSync({ 'index.mjs': new Uint8Array(code) }) },
      }),
    );
    await waitUntilFunctionActiveV2({ client: lambda, ...wait }, { FunctionName: functionName });
    for (const variant of Object.values(VARIANTS)) {
      await lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: functionName,
          Environment: variantEnvironment(variant),
        }),
      );
      await waitUntilFunctionUpdatedV2({ client: lambda, ...wait }, { FunctionName: functionName });
      const published = await lambda.send(new PublishVersionCommand({ FunctionName: functionName }));
      if (published.Version !== variant.version)
        throw new Error(
          `expected version ${variant.version} of the demo, the local AWS published ${published.Version}`,
        );
    }
    await lambda.send(
      new CreateAliasCommand({
        FunctionName: functionName,
        Name: ALIAS,
        FunctionVersion: VARIANTS.stable.version,
      }),
    );
  } finally {
    iam.destroy();
    lambda.destroy();
  }
};
