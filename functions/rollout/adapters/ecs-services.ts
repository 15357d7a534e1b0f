import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  type Service,
  type TaskDefinition,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { orTransient } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';
import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import { imageOf, versionOfImage } from '#rollout/adapters/ecs-image.ts';

/** One of the two services, with what it is told to run. */
export interface Slot {
  /** By which the target names it. */
  readonly name: string;
  readonly service: Service;
  readonly definition: TaskDefinition;
  /** The image of the target's container; undefined when the task definition has no such container. */
  readonly version: string | undefined;
}

const containerOf = ({ container }: EcsTarget, { containerDefinitions = [] }: TaskDefinition) =>
  containerDefinitions.find(({ name }) => name === container);

/** A task definition as it may be registered again, with another image in one container. */
const withImage = (
  definition: TaskDefinition,
  container: string,
  digest: string,
): RegisterTaskDefinitionCommandInput => {
  const {
    taskDefinitionArn: _arn,
    revision: _revision,
    status: _status,
    requiresAttributes: _attributes,
    compatibilities: _compatibilities,
    registeredAt: _at,
    registeredBy: _by,
    deregisteredAt: _gone,
    deleteRequestedAt: _delete,
    ...registrable
  } = definition;
  return {
    ...registrable,
    family: definition.family,
    containerDefinitions: definition.containerDefinitions?.map((one) =>
      one.name === container ? { ...one, image: imageOf(one.image ?? '', digest) } : one,
    ),
  };
};

export const ecsServices = (client: ECSClient) => {
  /** By ARN, for as long as this client lives: a revision never changes. */
  const definitions = new Map<string, TaskDefinition>();

  const definitionOf = async (arn: string): Promise<TaskDefinition> => {
    const known = definitions.get(arn);
    if (known !== undefined) return known;
    const { taskDefinition } = await orTransient(
      'ECS',
      client.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn })),
    );
    if (taskDefinition === undefined) throw new TransientError(`ECS told nothing of ${arn}`);
    definitions.set(arn, taskDefinition);
    return taskDefinition;
  };

  /** The target's services that are there, by the target's names. */
  const find = async (target: EcsTarget): Promise<ReadonlyMap<string, Slot>> => {
    const names = Object.entries(target.services);
    const { services = [] } = await orTransient(
      'ECS',
      client.send(
        new DescribeServicesCommand({
          cluster: target.cluster,
          services: names.map(([, { service }]) => service),
        }),
      ),
    );
    const slots = await Promise.all(
      names.map(async ([name, { service: serviceName }]) => {
        const service = services.find((one) => one.serviceName === serviceName && one.status === 'ACTIVE');
        if (service === undefined) return [];
        const definition = await definitionOf(service.taskDefinition ?? '');
        const image = containerOf(target, definition)?.image;
        const version = image === undefined ? undefined : versionOfImage(image);
        return [[name, { name, service, definition, version }] as const];
      }),
    );
    return new Map(slots.flat());
  };

  return {
    find,
    /** Registers the slot's task definition anew with another image; the ARN of the new revision. */
    register: async (target: EcsTarget, { definition }: Slot, digest: string): Promise<string> => {
      const { taskDefinition } = await orTransient(
        'ECS',
        client.send(new RegisterTaskDefinitionCommand(withImage(definition, target.container, digest))),
      );
      if (taskDefinition?.taskDefinitionArn === undefined)
        throw new TransientError('ECS registered a task definition and did not say which');
      return taskDefinition.taskDefinitionArn;
    },
    update: async (
      target: EcsTarget,
      { service: { serviceName } }: Slot,
      change: { readonly taskDefinition?: string; readonly desiredCount: number },
    ): Promise<void> => {
      await orTransient(
        'ECS',
        client.send(new UpdateServiceCommand({ cluster: target.cluster, service: serviceName, ...change })),
      );
    },
  };
};
export type EcsServices = ReturnType<typeof ecsServices>;
