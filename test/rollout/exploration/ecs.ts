import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import {
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Target } from '#policy/target.ts';
import { ecsShifter } from '#rollout/adapters/ecs-shifter.ts';
import type { Routing, TrafficShifter } from '#rollout/traffic-shifter.ts';
import { ecsTarget, REPOSITORY } from '../../builders/ecs.ts';
import { memoryShifter } from '../../fakes/memory-shifter.ts';
import type { Scheduler } from './scheduler.ts';

/** Two ECS services behind a rule, their tasks reduced to a count, moved by the shifter that moves the real ones. */
export interface Ecs {
  routing(): Routing;
  /** Tasks that the service of a version is told to run; they run at once. */
  tasksOf(version: string): number;
  place(): string;
  /** Services are read when the routing beside them is asked for, which waits for its turn, as every change does. */
  shifter(scheduler?: Scheduler, process?: string): TrafficShifter<Target>;
}

interface Service {
  readonly version: string;
  desiredCount: number;
}

const NAMES = Object.keys(ecsTarget.services);

const services = (counts: Readonly<Record<string, number>>): Ecs => {
  const running = new Map<string, Service>(
    Object.entries(counts).map(([version, desiredCount], index) => [
      NAMES[index] ?? '',
      { version, desiredCount },
    ]),
  );
  const route = { ...memoryShifter({ versions: ['blue', 'green'] }), find: async () => undefined };
  const nameOf = (service: string | undefined): string =>
    NAMES.find((name) => ecsTarget.services[name]?.service === service) ?? '';
  const versionOf = (name: string): string => running.get(name)?.version ?? name;

  const described = (name: string) => {
    const { desiredCount = 0 } = running.get(name) ?? {};
    return {
      serviceName: ecsTarget.services[name]?.service,
      status: 'ACTIVE',
      taskDefinition: name,
      desiredCount,
      runningCount: desiredCount,
      deployments: [{ status: 'PRIMARY', rolloutState: 'COMPLETED' }],
    };
  };
  const answer = async (command: unknown): Promise<unknown> => {
    if (command instanceof DescribeServicesCommand) return { services: NAMES.map(described) };
    if (command instanceof DescribeTaskDefinitionCommand) {
      const image = `${REPOSITORY}:${versionOf(command.input.taskDefinition ?? '')}`;
      return { taskDefinition: { containerDefinitions: [{ name: ecsTarget.container, image }] } };
    }
    if (command instanceof UpdateServiceCommand) {
      const service = running.get(nameOf(command.input.service));
      if (service !== undefined) service.desiredCount = command.input.desiredCount ?? 0;
      return {};
    }
    if (command instanceof DescribeTargetHealthCommand) {
      const { desiredCount = 0 } = running.get(groupName(command.input.TargetGroupArn)) ?? {};
      return { TargetHealthDescriptions: Array(desiredCount).fill({ TargetHealth: { State: 'healthy' } }) };
    }
    throw new Error(`nobody asks for ${String(command)}`);
  };
  const groupName = (arn: string | undefined): string =>
    NAMES.find((name) => ecsTarget.services[name]?.targetGroupArn === arn) ?? '';

  return {
    routing: () => {
      const { primary, weights, revision } = route.routing();
      return {
        primary: versionOf(primary),
        weights: Object.fromEntries(
          Object.entries(weights).map(([name, weight]) => [versionOf(name), weight]),
        ),
        revision,
      };
    },
    tasksOf: (version) => [...running.values()].find((one) => one.version === version)?.desiredCount ?? 0,
    place: () => JSON.stringify([...running]),
    shifter: (scheduler, process = '') => {
      const send = async (command: object): Promise<unknown> => {
        if (scheduler && command instanceof UpdateServiceCommand)
          return scheduler.call(process, 'ecs.update', () => answer(command));
        const read = await answer(command);
        if (command instanceof DescribeServicesCommand) scheduler?.note(process, read);
        return read;
      };
      const client = { send };
      return ecsShifter(
        client as unknown as ECSClient,
        client as unknown as ElasticLoadBalancingV2Client,
        scheduler ? scheduler.ported(process, 'shifter', route) : route,
      ) as TrafficShifter<Target>;
    },
  };
};

export const ecsWith = { target: ecsTarget, services };
