import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { StageConfig } from './config.ts';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { Api } from './constructs/api.ts';
import { AwsCapture } from './constructs/aws-capture.ts';
import { Capture } from './constructs/capture.ts';
import { Deployments } from './constructs/deployments.ts';
import { Flags } from './constructs/flags.ts';
import { Front } from './constructs/front.ts';
import { Identity } from './constructs/identity.ts';
import { Ledger } from './constructs/ledger.ts';
import { LedgerArchive } from './constructs/ledger-archive.ts';
import { LedgerRedrive } from './constructs/ledger-redrive.ts';
import { LedgerTree } from './constructs/ledger-tree.ts';
import { Policy } from './constructs/policy.ts';
import { Releases } from './constructs/releases.ts';
import { Rollout } from './constructs/rollout.ts';
import { RolloutDashboard } from './constructs/rollout-dashboard.ts';
import { Workflows } from './constructs/workflows.ts';

/** `sluice-payments` → `SluicePayments`: a stage of another name is another stack, never a new shape of this one. */
const stackNameOf = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());

/** Wiring only: which slice is given what of which other. */
export class SluiceStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { config, ...props }: StackProps & { readonly config: StageConfig },
  ) {
    super(scope, id, {
      ...props,
      stackName: stackNameOf(config.name),
      terminationProtection: config.retainData,
    });
    const bus = new events.EventBus(this, 'Bus', { eventBusName: config.name });
    const identity = new Identity(this, 'Identity', { config });
    const ledger = new Ledger(this, 'Ledger', { config, bus });
    const ledgerTree = new LedgerTree(this, 'LedgerTree', { config, ledger });
    const ledgerArchive = new LedgerArchive(this, 'LedgerArchive', { config, ledger, tree: ledgerTree });
    const ledgerRedrive = new LedgerRedrive(this, 'LedgerRedrive', { config, bus, ledger });
    const capture = new Capture(this, 'Capture', { config, ledger });
    const flags = new Flags(this, 'Flags', { config, ledger });
    const policy = new Policy(this, 'Policy', { config, ledger });
    const releases = new Releases(this, 'Releases', { config, bus, flags, ledger, policy });
    const rollout = new Rollout(this, 'Rollout', { config, bus, flags, ledger, releases });
    const deployments = new Deployments(this, 'Deployments', { config, ledger, policy, releases, rollout });
    new Workflows(this, 'Workflows', { config, tasks: { ...releases.tasks, ...rollout.tasks } });
    const front = new Front(this, 'Front', { config, identity, ledger, policy, releases });
    const api = new Api(this, 'Api', {
      config,
      identity,
      slices: [
        front,
        policy,
        flags,
        releases,
        rollout,
        deployments,
        ledger,
        ledgerTree,
        ledgerArchive,
        ledgerRedrive,
        capture,
      ]
        .map((slice) => slice.routed)
        .concat(ledgerArchive.redacting),
    });
    new AwsCapture(this, 'AwsCapture', {
      config,
      ledger,
      policy,
      ownIds: [api.id, identity.pool.userPoolId],
    });
    new AlarmTopic(this, 'AlarmTopic', { config }).tellOf(this);
    if (config.dashboard) new RolloutDashboard(this, 'Dashboard', { config }).show(this);
    new CfnOutput(this, 'BusName', { key: 'BusName', value: bus.eventBusName });
    new CfnOutput(this, 'UserPoolId', { key: 'UserPoolId', value: identity.pool.userPoolId });
    new CfnOutput(this, 'ClientId', { key: 'ClientId', value: identity.client.userPoolClientId });
  }
}
