import { randomBytes } from 'node:crypto';
import { AppConfigClient, StartDeploymentCommand } from '@aws-sdk/client-appconfig';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { ElasticLoadBalancingV2Client, ModifyRuleCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { LambdaClient, UpdateAliasCommand } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoDbLedgerReader } from '#ledger/adapters/dynamodb-ledger-reader.ts';
import { dynamoDbPersonal } from '#ledger/adapters/dynamodb-personal.ts';
import { lambdaLedgerWriter } from '#ledger/adapters/lambda-ledger-writer.ts';
import { ledgerArchive } from '#ledger/adapters/ledger-archive.ts';
import type { LambdaAliasTarget } from '#policy/target.ts';
import { dynamoDbReleases } from '#releases/adapters/dynamodb-releases.ts';
import { albShifter } from '#rollout/adapters/alb-shifter.ts';
import { appConfigShifter } from '#rollout/adapters/appconfig-shifter.ts';
import { ecsShifter } from '#rollout/adapters/ecs-shifter.ts';
import { lambdaAliasShifter } from '#rollout/adapters/lambda-alias-shifter.ts';
import { ALIAS, createCheckout, VARIANTS } from '../../local/demo/checkout.ts';
import { ledgerContract } from '../ledger/ledger-contract.ts';
import { releaseStoreContract } from '../releases/release-store-contract.ts';
import { trafficShifterContract } from '../rollout/traffic-shifter-contract.ts';
import { createAlbTarget, createEcsTarget, createFlagTarget } from './aws-targets.ts';
import { awsSettings, world } from './harness.ts';

/** The same suites that the fakes pass, on the deployed tables, the deployed writer and real targets. */
const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(awsSettings), {
  marshallOptions: { removeUndefinedValues: true },
});
const lambda = new LambdaClient(awsSettings);
const objects = new S3Client({ ...awsSettings, forcePathStyle: true });
const ARCHIVE = {
  ARCHIVE_BUCKET: 'sluice-archive-000000000000-us-east-1',
  ARCHIVES_TABLE: 'sluice-archives',
};

releaseStoreContract('DynamoDB, deployed', () => dynamoDbReleases(dynamo, 'sluice-releases'));

ledgerContract('the deployed writer', () => ({
  writer: lambdaLedgerWriter(lambda, 'sluice-append-records'),
  reader: dynamoDbLedgerReader(
    dynamo,
    { ledger: 'sluice-ledger', heads: 'sluice-ledger-heads' },
    ledgerArchive(dynamo, objects, ARCHIVE),
    dynamoDbPersonal(dynamo, 'sluice-ledger-personal'),
  ),
}));

trafficShifterContract('a Lambda alias, deployed', async () => {
  const functionName = `checkout-${randomBytes(4).toString('hex')}`;
  await createCheckout(world.endpoint, functionName);
  const target: LambdaAliasTarget = { kind: 'lambda-alias', functionName, alias: ALIAS };
  return {
    shifter: lambdaAliasShifter(lambda),
    target,
    drift: () =>
      lambda.send(
        new UpdateAliasCommand({
          FunctionName: functionName,
          Name: ALIAS,
          RoutingConfig: { AdditionalVersionWeights: { [VARIANTS.slow.version]: 0.5 } },
        }),
      ),
    missingTarget: { ...target, alias: 'nowhere' },
    stable: VARIANTS.stable.version,
    canary: VARIANTS.good.version,
    other: VARIANTS.slow.version,
    missing: '77',
  };
});

/* Control planes only: the local AWS splits no traffic by rules, and runs no tasks behind services (docs/targets.md). */
const balancers = new ElasticLoadBalancingV2Client(awsSettings);
const at = async () => undefined;
const nowhere = (ruleArn: string): string => ruleArn.replace(/[0-9a-z]+$/, '0000000000000000');

trafficShifterContract('an ALB rule, and one for testers', async () => {
  const target = await createAlbTarget(world.endpoint);
  const shifter = albShifter(balancers, undefined, at);
  return {
    shifter,
    target,
    drift: () =>
      balancers.send(
        new ModifyRuleCommand({
          RuleArn: target.ruleArn,
          Actions: [{ Type: 'forward', TargetGroupArn: target.targetGroups.amber }],
        }),
      ),
    missingTarget: { ...target, ruleArn: nowhere(target.ruleArn) },
    stable: 'blue',
    canary: 'green',
    other: 'amber',
    missing: 'violet',
  };
});

trafficShifterContract('ECS services behind an ALB rule', async () => {
  const [running, next, other] = ['a', 'b', 'c'].map((digit) => `sha256:${digit.repeat(64)}`) as [
    string,
    string,
    string,
  ];
  const target = await createEcsTarget(world.endpoint, `shop@${running}`);
  return {
    shifter: ecsShifter(new ECSClient(awsSettings), balancers, albShifter(balancers, undefined, at)),
    target,
    drift: () =>
      balancers.send(
        new ModifyRuleCommand({
          RuleArn: target.ruleArn,
          Actions: [{ Type: 'forward', TargetGroupArn: target.services.green?.targetGroupArn }],
        }),
      ),
    missingTarget: { ...target, ruleArn: nowhere(target.ruleArn) },
    stable: running,
    canary: next,
    other,
    missing: '1.4',
    missingCode: 'not-a-digest',
  };
});

trafficShifterContract('an AppConfig feature flag', async () => {
  const target = await createFlagTarget(world.endpoint);
  const appConfig = new AppConfigClient(awsSettings);
  const shifter = appConfigShifter(appConfig);
  return {
    shifter,
    target,
    // Somebody deploys what was deployed at first once more: every new deployment is a change.
    drift: async () => {
      const { applicationId, environmentId, profileId, deploymentStrategyId } = target;
      await appConfig.send(
        new StartDeploymentCommand({
          ApplicationId: applicationId,
          EnvironmentId: environmentId,
          ConfigurationProfileId: profileId,
          DeploymentStrategyId: deploymentStrategyId,
          ConfigurationVersion: '1',
        }),
      );
    },
    missingTarget: { ...target, applicationId: 'zzz9999' },
    stable: 'old',
    canary: 'new',
    other: 'next',
    missing: 'newest',
  };
});
