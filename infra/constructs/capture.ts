import { Aws, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { captureRoutes } from '../../functions/capture/routes.ts';
import { METRIC } from '../../functions/platform/metric-names.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';
import { countedBy, ownedAlarms } from './owned-alarms.ts';

interface CaptureProps {
  readonly config: StageConfig;
  readonly ledger: Ledger;
}

/** What happens elsewhere and belongs into the ledger: GitHub's webhooks. */
export class Capture extends Construct {
  readonly routed: RoutedFunction;

  constructor(scope: Construct, id: string, { config, ledger }: CaptureProps) {
    super(scope, id);
    const github = new GovernedFunction(this, 'CaptureGithub', {
      config,
      slice: 'capture',
      entry: 'capture-github',
      // GitHub waits 10 s for an answer.
      timeoutSeconds: 9,
      memoryMb: 1_024,
      environment: {
        CAPTURES_QUEUE_URL: ledger.capturesQueueUrl,
        WEBHOOK_PARAMETERS: JSON.stringify(config.githubSecretParameters),
        INFRASTRUCTURE_PATHS: JSON.stringify(config.infrastructurePaths),
        SECURITY_PATHS: JSON.stringify(config.securityPaths),
      },
    });
    ledger.grantCapture(github);
    const parameters = config.githubSecretParameters.map(
      (name) => `arn:${Aws.PARTITION}:ssm:${Aws.REGION}:${Aws.ACCOUNT_ID}:parameter${name}`,
    );
    if (parameters.length > 0) github.allow(['ssm:GetParameter'], parameters);
    this.routed = { routes: captureRoutes, function: github };
    ownedAlarms(this, config, {
      DeliveriesRefused: {
        metric: countedBy('capture-github', METRIC.deliveryRefused, Duration.minutes(5)),
        threshold: 1,
        description: 'A webhook of GitHub was not taken; GitHub does not send it again by itself.',
      },
    });
  }
}
