import { type Target, targetIdentity } from '#policy/target.ts';

/**
 * Table `deployments`, owned by this slice: what is known of a service's target beside its releases.
 *
 * | pk                        | sk                      | what                                                  |
 * |---------------------------|-------------------------|-------------------------------------------------------|
 * | `<service>#<environment>` | the target's identity   | first seen version, drifts so far, the one that is on |
 */
export const deploymentKey = (service: string, environment: string, target: Target) => ({
  pk: `${service}#${environment}`,
  sk: targetIdentity(target),
});
