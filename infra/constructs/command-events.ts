import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';
import { ownedAlarms, waitingIn } from './owned-alarms.ts';

interface CommandEventsProps {
  readonly config: StageConfig;
  readonly bus: events.EventBus;
  readonly takeCommand: GovernedFunction;
  readonly heedAlarm: GovernedFunction;
  /** Where an event goes that failed every try. */
  readonly undelivered: sqs.Queue;
}

/** What comes to a release on its way as an event: a command on the bus, a guard alarm from CloudWatch. */
export class CommandEvents extends Construct {
  constructor(scope: Construct, id: string, props: CommandEventsProps) {
    super(scope, id);
    const { config, bus, undelivered } = props;
    const to = (door: GovernedFunction) => [
      new targets.LambdaFunction(door.live, {
        deadLetterQueue: undelivered,
        maxEventAge: Duration.hours(24),
        retryAttempts: 185,
      }),
    ];
    new events.Rule(this, 'ReleaseCommanded', {
      ruleName: `${config.name}-release-commanded`,
      description: 'A command to a release, given on the bus.',
      eventBus: bus,
      eventPattern: { detailType: ['sluice.release.commanded'] },
      targets: to(props.takeCommand),
    });
    new events.Rule(this, 'AlarmRaised', {
      ruleName: `${config.name}-alarm-raised`,
      description: 'An alarm of the account was raised; it may be the guard of a release.',
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: { state: { value: ['ALARM'] } },
      },
      targets: to(props.heedAlarm),
    });
    ownedAlarms(this, config, {
      CommandsUndelivered: {
        metric: waitingIn(undelivered),
        threshold: 1,
        description: 'Commands or guard alarms that came as events were not obeyed after every try.',
      },
    });
  }
}
