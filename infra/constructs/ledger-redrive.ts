import type * as events from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { redriveRoutes } from '../../functions/ledger/redrive-routes.ts';
import type { StageConfig } from '../config.ts';
import type { RoutedFunction } from './api.ts';
import { GovernedFunction } from './governed-function.ts';
import type { Ledger } from './ledger.ts';

interface LedgerRedriveProps {
  readonly config: StageConfig;
  readonly bus: events.EventBus;
  readonly ledger: Ledger;
}

/** Events once more, from the ledger, when somebody asks for them. */
export class LedgerRedrive extends Construct {
  readonly routed: RoutedFunction;

  constructor(scope: Construct, id: string, { config, bus, ledger }: LedgerRedriveProps) {
    super(scope, id);
    const redrive = new GovernedFunction(this, 'RedriveEvents', {
      config,
      slice: 'ledger',
      entry: 'redrive-events',
      timeoutSeconds: 25,
      // A thousand records of the greatest length are 64 MB, and their events as much again.
      memoryMb: 1_024,
      environment: {
        ...ledger.readEnvironment,
        EVENT_BUS_NAME: bus.eventBusName,
        LEDGER_WRITER_ARN: ledger.writerArn,
      },
    });
    ledger.grantReadBundles(redrive);
    ledger.archive.grantReadBundles(redrive);
    ledger.grantReadPersonal(redrive);
    ledger.grantAppend(redrive);
    redrive.allow(['events:PutEvents'], [bus.eventBusArn]);
    this.routed = { routes: redriveRoutes, function: redrive };
  }
}
