import { Construct } from 'constructs';
import { apiRoutes } from '../../functions/api/routes.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Identity } from './identity.ts';
import type { Ledger } from './ledger.ts';
import type { Policy } from './policy.ts';
import type { Releases } from './releases.ts';
import { type WorkflowName, workflowArn } from './workflows.ts';

interface FrontProps {
  readonly config: StageConfig;
  readonly identity: Identity;
  readonly ledger: Ledger;
  readonly policy: Policy;
  readonly releases: Releases;
}

const WORKFLOWS: readonly WorkflowName[] = ['release', 'rollout', 'stage', 'recovery'];

/** What is told of Sluice as a whole: its health and the description of its API. */
export class Front extends Construct {
  readonly routed: RoutedFunction;

  constructor(scope: Construct, id: string, { config, identity, ledger, policy, releases }: FrontProps) {
    super(scope, id);
    const workflows = WORKFLOWS.map((name) => workflowArn(config, name));
    const serve = new GovernedFunction(this, 'ServeApi', {
      config,
      slice: 'api',
      entry: 'serve-api',
      timeoutSeconds: 20,
      environment: {
        RELEASES_TABLE: releases.table.tableName,
        SERVICES_TABLE: policy.services.tableName,
        ROLLOUT_WORKFLOW_ARNS: workflows.join(','),
        SIGN_IN_URL: identity.signInUrl,
        SIGN_IN_CLIENT_ID: identity.client.userPoolClientId,
        ...ledger.readEnvironment,
      },
    });
    serve.allow(['dynamodb:GetItem'], [releases.table.tableArn, policy.services.tableArn]);
    serve.allow(['states:DescribeStateMachine'], workflows);
    ledger.grantHealth(serve);
    this.routed = { routes: apiRoutes, function: serve };
  }
}
