import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { releaseTasks } from '../../functions/releases/tasks.ts';
import type { rolloutTasks } from '../../functions/rollout/tasks.ts';
import type { StageConfig } from '../config.ts';
import type { GovernedFunction } from './governed-function.ts';
import { explainWildcard } from './wildcard.ts';
import { WorkflowAlarms } from './workflow-alarms.ts';

const DEFINITIONS = path.join(import.meta.dirname, '..', '..', 'statemachines');

/** A function for every task, by the task's name: a missing one doesn't compile. */
export type TaskFunctions = Readonly<
  Record<keyof typeof releaseTasks | keyof typeof rolloutTasks, GovernedFunction>
>;

export type WorkflowName = 'release' | 'rollout' | 'stage' | 'recovery';

/**
 * Fixed names and ARNs made from them: a grant that took the resource's own ARN would close a circle between
 * schedule, workflow and function that CloudFormation can't deploy.
 */
export const workflowArn = (config: StageConfig, name: WorkflowName): string =>
  `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:stateMachine:${config.name}-${name}`;

export const executionArns = (config: StageConfig, name: WorkflowName): string =>
  `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:execution:${config.name}-${name}:*`;

interface WorkflowProps {
  readonly config: StageConfig;
  readonly name: WorkflowName;
  readonly tasks: Readonly<Record<string, GovernedFunction>>;
  /** Placeholder of a nested workflow and which one it is. */
  readonly nested?: { readonly placeholder: string; readonly name: WorkflowName };
}

/** A state machine from its file. The file is the only copy; placeholders are the names of its tasks. */
class Workflow extends Construct {
  readonly machine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { config, name, tasks, nested }: WorkflowProps) {
    super(scope, id);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
      description: `What the ${name} workflow may do: call its tasks.`,
    });
    const functions = Object.values(tasks).map((task) => task.function.functionArn);
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        // Any published version, so that a release in flight finishes on the code it started with.
        actions: ['lambda:InvokeFunction'],
        resources: functions.map((arn) => `${arn}:*`),
      }),
    );
    if (nested) this.allowNested(role, config, nested.name);
    const substitutions = Object.entries(tasks).map(([task, { live }]) => [task, live.functionArn] as const);
    this.machine = new sfn.StateMachine(this, 'Machine', {
      stateMachineName: `${config.name}-${name}`,
      definitionBody: sfn.DefinitionBody.fromString(
        readFileSync(path.join(DEFINITIONS, `${name}.asl.json`), 'utf8'),
      ),
      definitionSubstitutions: Object.fromEntries([
        ...substitutions,
        ...(nested ? [[nested.placeholder, workflowArn(config, nested.name)] as const] : []),
      ]),
      role,
      tracingEnabled: true,
      removalPolicy: RemovalPolicy.DESTROY,
      logs: {
        destination: new logs.LogGroup(this, 'Logs', {
          logGroupName: `/aws/vendedlogs/states/${config.name}-${name}`,
          retention: config.logRetentionDays,
          removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ALL,
        includeExecutionData: false,
      },
    });
    explainWildcard(
      this,
      '*',
      'X-Ray writes and log delivery have no resource to name (Step Functions Developer Guide, "Logging").',
    );
    for (const task of Object.values(tasks))
      explainWildcard(this, `<${this.logicalId(task)}.Arn>:*`, 'Any published version of this one function.');
  }

  private logicalId(task: GovernedFunction): string {
    const { stack } = task.function;
    return stack.getLogicalId(task.function.node.defaultChild as Parameters<typeof stack.getLogicalId>[0]);
  }

  /** What `.sync:2` needs (Step Functions Developer Guide, "IAM policies for nested workflows"). */
  private allowNested(role: iam.Role, config: StageConfig, name: WorkflowName): void {
    const statements = [
      { actions: ['states:StartExecution'], resources: [workflowArn(config, name)] },
      {
        actions: ['states:DescribeExecution', 'states:StopExecution'],
        resources: [executionArns(config, name)],
      },
      {
        actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
        resources: [
          `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule`,
        ],
      },
    ];
    for (const statement of statements) role.addToPrincipalPolicy(new iam.PolicyStatement(statement));
    explainWildcard(
      this,
      executionArns(config, name),
      'Executions of this one workflow; their names are made at run time.',
    );
  }
}

/** The four workflows and who answers their tasks. */
export class Workflows extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { config, tasks }: { config: StageConfig; tasks: TaskFunctions },
  ) {
    super(scope, id);
    const {
      AdmitRelease,
      ConcludeRelease,
      TakeSnapshot,
      ShiftTraffic,
      JudgeHealth,
      RestoreTraffic,
      PromoteVersion,
      RetireTargets,
      RunHooks,
    } = tasks;
    new Workflow(this, 'Stage', { config, name: 'stage', tasks: { ShiftTraffic, JudgeHealth } });
    new Workflow(this, 'Rollout', {
      config,
      name: 'rollout',
      tasks: { TakeSnapshot, RunHooks, PromoteVersion, RestoreTraffic, RetireTargets },
      nested: { placeholder: 'StageWorkflow', name: 'stage' },
    });
    const release = new Workflow(this, 'Release', {
      config,
      name: 'release',
      tasks: { AdmitRelease, RestoreTraffic, RetireTargets, ConcludeRelease },
      nested: { placeholder: 'RolloutWorkflow', name: 'rollout' },
    });
    const recovery = new Workflow(this, 'Recovery', {
      config,
      name: 'recovery',
      tasks: { RestoreTraffic, RetireTargets, ConcludeRelease },
    });
    new WorkflowAlarms(this, 'Alarms', { config, release: release.machine, recovery: recovery.machine });
  }
}
