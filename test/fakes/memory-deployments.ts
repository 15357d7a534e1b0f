import { type Deployment, type DeploymentStore, deploymentSchema, type Place } from '#rollout/deployment.ts';
import { deploymentKey } from '#rollout/keys.ts';

/** What is known of targets beside their releases, in memory. */
export const memoryDeployments = (): DeploymentStore => {
  const kept = new Map<string, Deployment>();
  const keyOf = ({ service, environment, target }: Place): string =>
    JSON.stringify(deploymentKey(service, environment, target));
  return {
    get: async (place) => kept.get(keyOf(place)),
    put: async (place, deployment) => {
      if ((kept.get(keyOf(place))?.revision ?? 0) !== deployment.revision - 1) return false;
      kept.set(keyOf(place), deploymentSchema.parse(deployment));
      return true;
    },
  };
};
