import { Aws, CfnOutput } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';

/** Where every alarm is heard: people by mail from the stage's configuration, anything else by subscribing to it. */
export class AlarmTopic extends Construct {
  private readonly topic: sns.Topic;

  constructor(scope: Construct, id: string, { config }: { config: StageConfig }) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'Topic', { topicName: `${config.name}-alarms`, enforceSSL: true });
    // Refusing plain HTTP gives the topic a policy, and a topic with one no longer has that of its owner's account.
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'OurAlarms',
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: {
            'aws:SourceArn': `arn:${Aws.PARTITION}:cloudwatch:${Aws.REGION}:${Aws.ACCOUNT_ID}:alarm:${config.name}-*`,
          },
        },
      }),
    );
    for (const address of config.alarmEmails) this.topic.addSubscription(new EmailSubscription(address));
    new CfnOutput(this, 'Arn', { key: 'AlarmTopicArn', value: this.topic.topicArn });
  }

  /** Tells of every alarm that stands under `scope` by now, so that none can be forgotten. */
  tellOf(scope: Construct): void {
    for (const construct of scope.node.findAll())
      if (construct instanceof cloudwatch.Alarm) {
        construct.addAlarmAction(new SnsAction(this.topic));
        construct.addOkAction(new SnsAction(this.topic));
      }
  }
}
