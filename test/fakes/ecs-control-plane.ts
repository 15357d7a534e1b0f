import {
  ClientException,
  type Deployment,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type Service,
  type TaskDefinition,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import type { TargetHealth } from '@aws-sdk/client-elastic-load-balancing-v2';
import { mockClient } from 'aws-sdk-client-mock';
import type { EcsTarget } from '#policy/ecs-target-schema.ts';

interface Options {
  readonly target: EcsTarget;
  /** What each service runs at first, by the target's names for them. */
  readonly images: Readonly<Record<string, string>>;
  readonly desiredCounts?: Readonly<Record<string, number>>;
  /** Anything else about a service that is not as it should be. */
  readonly services?: Readonly<Record<string, Partial<Service>>>;
  /** Looks at a service until a deployment of it has settled. */
  readonly looksToSettle?: number;
}

const ARN = 'arn:aws:ecs:eu-central-1:123456789012';

interface Running {
  service: Service;
  /** Looks left until it has settled. */
  settling: number;
}

/**
 * As much of ECS's control plane as two services behind a load balancer need, behind the real client. A deployment takes
 * `looksToSettle` looks, and its tasks are healthy one look after they run.
 */
export const ecsControlPlane = ({
  target,
  images,
  desiredCounts = {},
  services = {},
  looksToSettle = 2,
}: Options) => {
  const definitions = new Map<string, TaskDefinition>();
  const client = new ECSClient({ region: 'eu-central-1' });
  const mock = mockClient(client);

  const register = (definition: TaskDefinition): TaskDefinition => {
    const revision = definitions.size + 1;
    const taskDefinitionArn = `${ARN}:task-definition/${definition.family}:${revision}`;
    const registered: TaskDefinition = { ...definition, taskDefinitionArn, revision, status: 'ACTIVE' };
    definitions.set(taskDefinitionArn, registered);
    return registered;
  };

  const deployment = (taskDefinition: string | undefined, more: Partial<Deployment> = {}): Deployment => ({
    status: 'PRIMARY',
    rolloutState: 'COMPLETED',
    ...(taskDefinition !== undefined && { taskDefinition }),
    ...more,
  });

  const running = new Map<string, Running>(
    Object.entries(target.services).map(([name, { service: serviceName, targetGroupArn }]) => {
      const { taskDefinitionArn = '' } = register({
        family: 'shop',
        taskRoleArn: 'arn:aws:iam::123456789012:role/shop-task',
        containerDefinitions: [
          { name: 'proxy', image: 'envoy:1' },
          {
            name: target.container,
            image: images[name] ?? '',
            environment: [{ name: 'REGION', value: 'eu' }],
          },
        ],
        registeredBy: 'somebody',
        compatibilities: ['FARGATE'],
      });
      const desiredCount = desiredCounts[name] ?? 3;
      const service: Service = {
        serviceName,
        status: 'ACTIVE',
        taskDefinition: taskDefinitionArn,
        desiredCount,
        runningCount: desiredCount,
        pendingCount: 0,
        schedulingStrategy: 'REPLICA',
        loadBalancers: [{ targetGroupArn, containerName: target.container, containerPort: 8080 }],
        deployments: [deployment(taskDefinitionArn)],
        ...services[name],
      };
      return [serviceName, { service, settling: 0 }];
    }),
  );

  const settle = (one: Running): void => {
    if (one.settling === 0) return;
    one.settling -= 1;
    const { taskDefinition, desiredCount = 0 } = one.service;
    if (one.settling === 0)
      one.service = {
        ...one.service,
        runningCount: desiredCount,
        pendingCount: 0,
        deployments: [deployment(taskDefinition)],
      };
  };

  const told = (serviceName: string): Service[] => {
    const one = running.get(serviceName);
    if (one === undefined) return [];
    const { service } = one;
    settle(one);
    return [service];
  };

  mock.on(DescribeServicesCommand).callsFake(async ({ cluster, services: names }) => {
    if (cluster !== target.cluster)
      throw Object.assign(new Error('Cluster not found.'), { name: 'ClusterNotFoundException' });
    const found = names.flatMap(told);
    return { services: found.toReversed(), failures: [] };
  });
  mock.on(DescribeTaskDefinitionCommand).callsFake(async ({ taskDefinition }) => {
    const definition = definitions.get(taskDefinition);
    if (definition === undefined)
      throw new ClientException({ message: 'Unable to describe task definition.', $metadata: {} });
    return { taskDefinition: definition };
  });
  mock.on(RegisterTaskDefinitionCommand).callsFake(async (input) => {
    for (const given of ['taskDefinitionArn', 'revision', 'status', 'registeredBy', 'compatibilities'])
      if (given in input) throw new ClientException({ message: `${given} is not an input`, $metadata: {} });
    return { taskDefinition: register(input) };
  });

  /** As somebody would who deploys, whoever it is. */
  const update = (serviceName: string, change: { taskDefinition?: string; desiredCount?: number }): void => {
    const one = running.get(serviceName);
    if (one === undefined)
      throw Object.assign(new Error('Service not found.'), { name: 'ServiceNotFoundException' });
    const { service } = one;
    const replaces = change.taskDefinition !== undefined && change.taskDefinition !== service.taskDefinition;
    one.service = {
      ...service,
      ...change,
      pendingCount: 1,
      ...(replaces && {
        runningCount: 0,
        deployments: [
          deployment(change.taskDefinition, { rolloutState: 'IN_PROGRESS' }),
          deployment(service.taskDefinition, { status: 'ACTIVE' }),
        ],
      }),
    };
    one.settling = looksToSettle;
  };
  mock.on(UpdateServiceCommand).callsFake(async ({ service, cluster: _cluster, ...change }) => {
    update(service, change);
    return {};
  });

  return {
    client,
    mock,
    register,
    update,
    /** As the service is, without a look at it. */
    service: (serviceName: string): Service | undefined => running.get(serviceName)?.service,
    change: (serviceName: string, change: Partial<Service>): void => {
      const one = running.get(serviceName);
      if (one !== undefined) one.service = { ...one.service, ...change };
    },
    remove: (serviceName: string): void => void running.delete(serviceName),
    imageOf: (serviceName: string): string | undefined =>
      definitions
        .get(running.get(serviceName)?.service.taskDefinition ?? '')
        ?.containerDefinitions?.find(({ name }) => name === target.container)?.image,
    /** Health as the load balancer has it of the service's tasks. */
    healthOf: (serviceName: string): readonly TargetHealth[] => {
      const one = running.get(serviceName);
      const healthy = one === undefined || one.settling > 0 ? 0 : (one.service.runningCount ?? 0);
      return Array.from({ length: healthy }, () => ({ State: 'healthy' }) as const);
    },
  };
};
