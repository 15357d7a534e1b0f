import type { Target } from '#policy/target.ts';

/** A resource as a template has it; intrinsic functions are objects with one key. */
export interface TemplateResource {
  readonly Type?: unknown;
  readonly Properties?: unknown;
  readonly UpdatePolicy?: unknown;
}

type Properties = Readonly<Record<string, unknown>>;

const propertiesOf = (value: unknown): Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Properties) : {};

/** What the template itself says. Anything computed (a Ref, a GetAtt, an If) may be another at the next deployment. */
const isStated = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';

const aliasAttribute = ({ Properties, UpdatePolicy }: TemplateResource): string | undefined => {
  const { FunctionVersion, RoutingConfig } = propertiesOf(Properties);
  if (!isStated(FunctionVersion)) return 'FunctionVersion';
  if (RoutingConfig !== undefined) return 'RoutingConfig';
  // CodeDeploy then moves the alias by its own plan.
  return UpdatePolicy === undefined ? undefined : 'UpdatePolicy';
};

/** Groups may be references: a group keeps its ARN when code changes. Their weights are what a release moves. */
const weightAttribute = (name: string, actions: unknown): string | undefined => {
  if (!Array.isArray(actions)) return name;
  for (const [index, action] of actions.entries()) {
    const { Type, ForwardConfig } = propertiesOf(action);
    if (!isStated(Type)) return `${name}.${index}`;
    const { TargetGroups = [] } = propertiesOf(ForwardConfig);
    if (!Array.isArray(TargetGroups)) return `${name}.${index}.ForwardConfig.TargetGroups`;
    const computed = TargetGroups.findIndex((group) => {
      const { TargetGroupArn, Weight = 1 } = propertiesOf(group);
      return TargetGroupArn === undefined || !isStated(Weight);
    });
    if (computed >= 0) return `${name}.${index}.ForwardConfig.TargetGroups.${computed}.Weight`;
  }
  return undefined;
};

/**
 * The attribute that releases move and that a deployment of the template moves too; undefined when the template states
 * a fixed value, which CloudFormation writes only when it changes in the template.
 */
export const managedAttribute = (target: Target, resource: TemplateResource): string | undefined => {
  switch (target.kind) {
    case 'lambda-alias':
      return aliasAttribute(resource);
    case 'alb':
    case 'ecs':
      return resource.Type === 'AWS::ElasticLoadBalancingV2::Listener'
        ? weightAttribute('DefaultActions', propertiesOf(resource.Properties).DefaultActions)
        : weightAttribute('Actions', propertiesOf(resource.Properties).Actions);
    case 'appconfig-flag':
    case 'custom':
      return undefined;
    default:
      return target satisfies never;
  }
};
