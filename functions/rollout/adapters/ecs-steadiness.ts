import type { Slot } from '#rollout/adapters/ecs-services.ts';
import type { Preparation } from '#rollout/traffic-shifter.ts';

/**
 * Whether a service has settled on what it was told to run: one deployment, finished, all of its tasks up, and as many
 * targets healthy as the load balancer is to find.
 */
export const steadiness = async (
  { service, version }: Slot,
  healthyTargets: () => Promise<number>,
): Promise<Preparation> => {
  const { serviceName, deployments = [], desiredCount = 0, runningCount = 0, pendingCount = 0 } = service;
  const current = deployments.find(({ status }) => status === 'PRIMARY');
  if (current?.rolloutState === 'FAILED')
    return {
      kind: 'unfit',
      code: 'failed-deployment',
      text: `ECS gave up on ${version} in service ${serviceName} (${current.rolloutStateReason}); the service's events say why. To have it tried again: aws ecs update-service --force-new-deployment`,
    };
  const settled = deployments.length === 1 && (current?.rolloutState ?? 'COMPLETED') === 'COMPLETED';
  if (!settled || runningCount < desiredCount || pendingCount > 0)
    return {
      kind: 'waiting',
      text: `service ${serviceName} has ${runningCount} of ${desiredCount} tasks running, and ${
        settled ? 'is settled' : 'is still being deployed'
      }`,
    };
  const healthy = await healthyTargets();
  return healthy < desiredCount
    ? {
        kind: 'waiting',
        text: `${healthy} of ${desiredCount} tasks of service ${serviceName} are healthy to the load balancer`,
      }
    : { kind: 'ready' };
};
