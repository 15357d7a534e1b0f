import { describe, expect, it } from 'vitest';
import type { TaskTable } from '../../functions/platform/task.ts';
import { releaseTasks } from '../../functions/releases/tasks.ts';
import { rolloutTasks } from '../../functions/rollout/tasks.ts';
import { arnText, grantsOf, whoMay } from './grants.ts';
import { type Resource, Synthesized } from './synthesized.ts';

const team = new Synthesized('team');
const grants = grantsOf(team);
const tasks: TaskTable = { ...releaseTasks, ...rolloutTasks };

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly TimeoutSeconds?: number;
  readonly Arguments?: { readonly FunctionName?: string; readonly StateMachineArn?: string };
}

interface Workflow {
  readonly name: string;
  readonly states: readonly (State & { readonly name: string })[];
  readonly substitutions: Readonly<Record<string, unknown>>;
}

const workflowOf = ({ Properties }: Resource): Workflow => ({
  name: Properties.StateMachineName.replace('sluice-', ''),
  states: Object.entries<State>(JSON.parse(Properties.DefinitionString).States).map(([name, state]) => ({
    ...state,
    name,
  })),
  substitutions: Properties.DefinitionSubstitutions,
});

const workflows = team.all('AWS::StepFunctions::StateMachine').map(workflowOf);

/** `${Name}` → `Name`. */
const placeholder = (text: string | undefined): string => /^\$\{(\w+)\}$/.exec(text ?? '')?.[1] ?? '';

const lambdaStates = workflows.flatMap((workflow) =>
  workflow.states
    .filter(({ Resource: resource }) => resource === 'arn:aws:states:::lambda:invoke')
    .map((state) => ({ workflow, state, task: placeholder(state.Arguments?.FunctionName) })),
);

const nestedStates = workflows.flatMap((workflow) =>
  workflow.states
    .filter(({ Resource: resource }) => resource?.includes('startExecution') === true)
    .map((state) => ({ workflow, state, to: placeholder(state.Arguments?.StateMachineArn) })),
);

describe('the workflows', () => {
  it('are these four, by names that are known before they exist', () => {
    expect(workflows.map(({ name }) => name).toSorted()).toEqual(['recovery', 'release', 'rollout', 'stage']);
  });

  it('have every task, and nothing to do that this test does not look at', () => {
    for (const { states } of workflows)
      for (const { name, Type, Resource: resource } of states)
        if (Type === 'Task')
          expect(resource, name).toMatch(/^arn:aws:states:::(lambda:invoke|states:startExecution\.sync:2)$/);
    expect([...new Set(lambdaStates.map(({ task }) => task))].toSorted()).toEqual(
      Object.keys(tasks).toSorted(),
    );
  });
});

describe('a task', () => {
  it.each(lambdaStates)(
    'calls a published version: $workflow.name, $state.name',
    ({ workflow, state, task }) => {
      expect(state.name, 'a state is named after its task').toBe(task);
      expect(arnText(workflow.substitutions[task], team)).toMatch(/:VERSION$/);
    },
  );

  it.each(lambdaStates)(
    'ends before its state gives up: $workflow.name, $state.name',
    ({ workflow, state, task }) => {
      const { Properties } = team.functionBehind(workflow.substitutions[task]);
      expect(Properties.Timeout).toBe(tasks[task]?.functionTimeoutSeconds);
      expect(state.TimeoutSeconds).toBeGreaterThan(Properties.Timeout);
    },
  );
});

describe('a workflow may', () => {
  it.each(workflows)(
    'call its own tasks in any published version, and no other function: $name',
    (workflow) => {
      const own = lambdaStates
        .filter((state) => state.workflow === workflow)
        .map(({ task }) => `${arnText(workflow.substitutions[task], team).replace(/:VERSION$/, '')}:*`);
      const mayCall = grants
        .filter(
          ({ who, actions }) =>
            who === `workflow ${workflow.name}` && actions.includes('lambda:InvokeFunction'),
        )
        .flatMap(({ resources }) => resources);
      expect(mayCall.toSorted()).toEqual([...new Set(own)].toSorted());
    },
  );

  it.each(nestedStates)(
    'start, see, stop and hear of its nested workflow: $workflow.name, $state.name',
    (nested) => {
      const who = `workflow ${nested.workflow.name}`;
      const machine = arnText(nested.workflow.substitutions[nested.to], team);
      const execution = `${machine.replace(':stateMachine:', ':execution:')}:any`;
      const may = (action: string, resource: string) =>
        whoMay(grants, action, resource).some((grant) => grant.who === who);
      expect(may('states:StartExecution', machine)).toBe(true);
      for (const action of ['states:DescribeExecution', 'states:StopExecution'])
        expect(may(action, execution), action).toBe(true);
      // Without these Step Functions refuses to create the state machine; the emulator does not.
      const rule = 'arn:aws:events:here:us:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule';
      for (const action of ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'])
        expect(may(action, rule), action).toBe(true);
    },
  );

  it('nest in release and rollout, and only there', () => {
    expect(nestedStates.map(({ workflow, to }) => `${workflow.name} → ${to}`).toSorted()).toEqual([
      'release → RolloutWorkflow',
      'rollout → StageWorkflow',
    ]);
    const starters = grants
      .filter(({ actions }) => actions.includes('states:StartExecution'))
      .map(({ who }) => who)
      .toSorted();
    expect(starters).toEqual([
      'obey-command',
      'recover-release',
      'serve-releases',
      'start-release',
      'take-command',
      'workflow release',
      'workflow rollout',
    ]);
  });

  it('be stopped by nobody of ours but its parent', () => {
    const stoppers = grants.filter(({ actions }) => actions.includes('states:StopExecution'));
    expect(stoppers.map(({ who }) => who).toSorted()).toEqual(['workflow release', 'workflow rollout']);
  });
});
