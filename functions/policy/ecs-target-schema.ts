import * as z from 'zod';
import {
  albRouteShape,
  requireOneRoute,
  slotNameSchema,
  targetGroupArnSchema,
} from '#policy/alb-target-schema.ts';

const name = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'must be a name, not an ARN');

/** A cluster and a service of it, as the stage's configuration permits them. */
export const ecsServiceSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,255}\/[A-Za-z0-9_-]{1,255}$/, 'must be a cluster and a service: shop/shop-blue');

/**
 * Two ECS services behind one listener rule, each with a target group of its own: one has the traffic, the other takes
 * the next version. A release's `version` is the digest of an image, and the two swap roles with every promotion.
 */
export const ecsTargetSchema = z
  .strictObject({
    kind: z.literal('ecs'),
    ...albRouteShape,
    cluster: name,
    services: z
      .record(slotNameSchema, z.strictObject({ service: name, targetGroupArn: targetGroupArnSchema }))
      .refine((services) => Object.keys(services).length === 2, { message: 'must name two services' })
      .refine(
        (services) =>
          ['service', 'targetGroupArn'].every(
            (key) =>
              new Set(Object.values(services).map((one) => one[key as keyof typeof one])).size ===
              Object.keys(services).length,
          ),
        { message: 'must name each service and each target group once' },
      ),
    /** The container whose image a release replaces. */
    container: name,
    /** Tasks that the service without traffic keeps once a release is over. With all of them a rollback need not wait. */
    idleTasks: z.int().min(0).max(1_000).default(0),
  })
  .superRefine((target, context) =>
    requireOneRoute(
      target,
      Object.values(target.services).map(({ targetGroupArn }) => targetGroupArn),
      context,
    ),
  );
export type EcsTarget = z.infer<typeof ecsTargetSchema>;
