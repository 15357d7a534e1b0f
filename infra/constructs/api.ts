import { Aws, CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { isOpen, type RouteTable } from '../../functions/platform/route.ts';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';
import type { Identity } from './identity.ts';
import { ownedAlarms } from './owned-alarms.ts';

/** A slice's route table and the one function that answers it. */
export interface RoutedFunction {
  readonly routes: RouteTable;
  readonly function: GovernedFunction;
}

interface ApiProps {
  readonly config: StageConfig;
  readonly identity: Identity;
  readonly slices: readonly RoutedFunction[];
}

const WHY_OPEN = {
  public: 'Public on purpose: says how Sluice is, and describes the API; both without any data of releases.',
  signed:
    'The sender has no token of ours, and signs the body with a shared secret; the function checks that first.',
} as const;

/** The HTTP API, made from the route tables: a route exists here because its row does. */
export class Api extends Construct {
  readonly url: string;
  readonly id: string;

  constructor(scope: Construct, id: string, { config, identity, slices }: ApiProps) {
    super(scope, id);
    const issuer = `https://cognito-idp.${Aws.REGION}.amazonaws.com/${identity.pool.userPoolId}`;
    const authorizer = new HttpJwtAuthorizer('People', issuer, {
      jwtAudience: [identity.client.userPoolClientId],
    });
    const api = new apigateway.HttpApi(this, 'Http', {
      apiName: `${config.name}-api`,
      description: 'Sluice: deployment governance.',
      createDefaultStage: false,
    });
    const stage = new apigateway.HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: {
        rateLimit: config.apiRequestsPerSecond,
        burstLimit: 2 * config.apiRequestsPerSecond,
      },
      accessLogSettings: {
        destination: new apigateway.LogGroupLogDestination(
          new logs.LogGroup(this, 'AccessLog', {
            logGroupName: `/aws/vendedlogs/api/${config.name}`,
            retention: config.logRetentionDays,
            removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
          }),
        ),
      },
    });
    const open: { readonly route: apigateway.HttpRoute; readonly reason: string }[] = [];
    for (const slice of slices) {
      const integration = new HttpLambdaIntegration(`To-${slice.function.node.id}`, slice.function.live);
      for (const route of Object.values(slice.routes)) {
        const made = api.addRoutes({
          path: route.path,
          methods: [apigateway.HttpMethod[route.method]],
          integration,
          ...(!isOpen(route) && { authorizer }),
        });
        if (isOpen(route))
          for (const each of made)
            open.push({ route: each, reason: WHY_OPEN[route.roles as keyof typeof WHY_OPEN] });
      }
    }
    for (const { route, reason } of open)
      Validations.of(route).acknowledge({ id: 'AwsSolutions-APIG4', reason });
    ownedAlarms(this, config, {
      ApiFailing: {
        metric: api.metricServerError({ period: Duration.minutes(5) }),
        // One or two are a passing trouble, which the answer says and the caller tries again.
        threshold: 5,
        description: 'The API answered requests with 5xx.',
      },
    });
    this.url = stage.url;
    this.id = api.apiId;
    new CfnOutput(this, 'Url', { key: 'ApiUrl', value: stage.url });
    new CfnOutput(this, 'ApiId', { key: 'ApiId', value: api.apiId });
  }
}
