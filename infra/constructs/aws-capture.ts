import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import type { Policy } from './policy.ts';

interface AwsCaptureProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
  readonly policy: Policy;
  /** What is ours and has a name that AWS made. */
  readonly ownIds: readonly string[];
}

/** Services whose calls can change a target, or something of ours, by their `source` on the account's bus. */
const WATCHED = [
  'aws.apigateway',
  'aws.appconfig',
  'aws.cognito-idp',
  'aws.dynamodb',
  'aws.ecs',
  'aws.elasticloadbalancing',
  'aws.events',
  'aws.iam',
  'aws.kms',
  'aws.lambda',
  'aws.logs',
  'aws.monitoring',
  'aws.s3',
  'aws.scheduler',
  'aws.sns',
  'aws.sqs',
  'aws.ssm',
  'aws.states',
];

/** Calls that every running function makes all the time. */
const EVERYDAY = ['CreateLogStream', 'InitiateAuth', 'RespondToAuthChallenge'];

/** What AWS tells of on the account's bus: runs of pipelines, and calls by others on targets and on what is ours. */
export class AwsCapture extends Construct {
  constructor(scope: Construct, id: string, { config, ledger, policy, ownIds }: AwsCaptureProps) {
    super(scope, id);
    const capture = new GovernedFunction(this, 'CaptureAws', {
      config,
      slice: 'capture',
      entry: 'capture-aws',
      timeoutSeconds: 30,
      environment: {
        CAPTURES_QUEUE_URL: ledger.capturesQueueUrl,
        SERVICES_TABLE: policy.services.tableName,
        OWN_PREFIX: config.name,
        OWN_IDS: ownIds.join(','),
        // Every role of the stack by its exact name, also of what is added to the stack after this.
        OWN_ROLES: Lazy.string({ produce: () => this.roleNames().join(',') }),
      },
      deadLetterQueue: ledger.deadCaptures,
    });
    ledger.grantCapture(capture);
    policy.grantList(capture);
    const target = new targets.LambdaFunction(capture.live, {
      deadLetterQueue: ledger.deadCaptures,
      maxEventAge: Duration.hours(24),
      retryAttempts: 185,
    });
    new events.Rule(this, 'Pipelines', {
      ruleName: `${config.name}-pipelines`,
      description: 'Executions of pipelines, for the ledger.',
      eventPattern: {
        source: ['aws.codepipeline'],
        detailType: ['CodePipeline Pipeline Execution State Change'],
      },
      targets: [target],
    });
    new events.Rule(this, 'Calls', {
      ruleName: `${config.name}-calls`,
      description:
        'Calls that change something, for the ledger. Needs a trail of management events in the account.',
      eventPattern: {
        source: WATCHED,
        detailType: ['AWS API Call via CloudTrail'],
        detail: { eventName: events.Match.anythingBut(...EVERYDAY) },
      },
      targets: [target],
    });
  }

  private roleNames(): readonly string[] {
    return Stack.of(this)
      .node.findAll()
      .flatMap((construct) => (construct instanceof iam.Role ? [construct.roleName] : []));
  }
}
