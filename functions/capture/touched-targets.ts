import { type CloudTrailCall, callName, namesIn } from '#capture/aws-call.ts';
import type { RegisteredService } from '#policy/service-definition.ts';
import { regionOf, type Target, targetIdentity } from '#policy/target.ts';

export interface TouchedTarget {
  readonly service: string;
  readonly environment: string;
  /** What its traffic is known by. */
  readonly target: string;
}

/** A function by its name, whether the call has name, partial or whole ARN, with or without a version. */
const functionNameOf = (given: unknown): string | undefined => {
  if (typeof given !== 'string') return undefined;
  return /(?:^|:function:)([A-Za-z0-9-_]+)(?::[A-Za-z0-9-_$]+)?$/.exec(given)?.[1];
};

const isLambda = ({ eventSource }: CloudTrailCall): boolean => eventSource === 'lambda.amazonaws.com';

const isFunction = (call: CloudTrailCall, functionName: string): boolean =>
  isLambda(call) && functionNameOf(call.requestParameters?.functionName) === functionName;

/** Who is behind a load balancer changes with every scaling of a service: that moves no traffic between versions. */
const OF_INSTANCES = ['RegisterTargets', 'DeregisterTargets'];

const isRouting = (
  call: CloudTrailCall,
  { ruleArn, testerRuleArn }: { readonly ruleArn: string; readonly testerRuleArn?: string | undefined },
  groups: readonly string[],
): boolean => {
  if (call.eventSource !== 'elasticloadbalancing.amazonaws.com' || OF_INSTANCES.includes(callName(call)))
    return false;
  const ours = [ruleArn, testerRuleArn, ...groups];
  return namesIn(call).some((name) => ours.includes(name));
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** `arn:aws:ecs:…:service/shop/shop-blue`, `service/shop-blue` and `shop-blue` are one name. */
const lastPart = (value: unknown): string | undefined => textOf(value)?.split(/[:/]/).at(-1);

/** `arn:aws:ecs:…:service-deployment/shop/shop-blue/…` is one of `shop-blue` in `shop`. */
const isDeploymentOf = (named: unknown, cluster: string, service: string): boolean =>
  textOf(named)?.includes(`:service-deployment/${cluster}/${service}/`) === true;

const isEcsService = (call: CloudTrailCall, cluster: string, service: string): boolean => {
  if (call.eventSource !== 'ecs.amazonaws.com') return false;
  const { requestParameters: asked } = call;
  if (isDeploymentOf(asked?.serviceDeploymentArn, cluster, service)) return true;
  return (
    (lastPart(asked?.cluster) ?? 'default') === cluster &&
    [asked?.service, asked?.serviceName].some((named) => lastPart(named) === service)
  );
};

/** Whether the call changes what a release moves traffic on. */
const touches = (target: Target, call: CloudTrailCall): boolean => {
  switch (target.kind) {
    case 'lambda-alias': {
      if (!isFunction(call, target.functionName)) return false;
      return !callName(call).endsWith('Alias') || call.requestParameters?.name === target.alias;
    }
    case 'alb':
      return isRouting(call, target, Object.values(target.targetGroups));
    case 'ecs': {
      const pair = Object.values(target.services);
      return (
        isRouting(
          call,
          target,
          pair.map(({ targetGroupArn }) => targetGroupArn),
        ) || pair.some(({ service }) => isEcsService(call, target.cluster, service))
      );
    }
    case 'appconfig-flag':
      return (
        call.eventSource === 'appconfig.amazonaws.com' &&
        call.requestParameters?.applicationId === target.applicationId &&
        [undefined, target.environmentId].includes(textOf(call.requestParameters.environmentId)) &&
        [undefined, target.profileId].includes(textOf(call.requestParameters.configurationProfileId))
      );
    case 'custom':
      return isFunction(call, target.functionName);
    default:
      return target satisfies never;
  }
};

/** Names are a region's own: what has the name of a target and is in another region is not that target. */
const isIn = (target: Target, region: string): boolean => [undefined, region].includes(regionOf(target));

/** The registered targets that a call in `region` changes. */
export const touchedTargets = (
  call: CloudTrailCall,
  region: string,
  services: readonly RegisteredService[],
): readonly TouchedTarget[] =>
  services.flatMap(({ service, definition }) =>
    Object.entries(definition.environments).flatMap(([environment, { target, waves }]) =>
      [target, ...waves.map((wave) => wave.target)].flatMap((each) =>
        isIn(each, region) && touches(each, call)
          ? [{ service, environment, target: targetIdentity(each) }]
          : [],
      ),
    ),
  );
