import * as z from 'zod';

const LOAD_BALANCING_ARN = 'arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\\d{12}:';

/**
 * A rule of an Application Load Balancer's listener; a listener itself stands for its default actions, because AWS
 * changes those at the listener alone.
 */
export const albRuleArnSchema = z
  .string()
  .regex(
    new RegExp(
      `^${LOAD_BALANCING_ARN}listener(-rule/app/[^/*?]+(/[0-9a-z]+){3}|/app/[^/*?]+(/[0-9a-z]+){2})$`,
    ),
    'must be the ARN of a listener rule, or of a listener, of an Application Load Balancer',
  );

export const targetGroupArnSchema = z
  .string()
  .regex(
    new RegExp(`^${LOAD_BALANCING_ARN}targetgroup/[^/*?]+/[0-9a-z]+$`),
    'must be the ARN of a target group',
  );

/** `…:listener-rule/app/shop/50dc6c495c0c9188/…` → `app/shop/50dc6c495c0c9188`, as its metrics name a load balancer. */
export const loadBalancerOf = (ruleArn: string): string => ruleArn.split('/').slice(1, 4).join('/');

export const regionOfArn = (arn: string): string => arn.split(':')[3] ?? '';

/**
 * A rule whose traffic is moved, and, for callers that are to get the new version at any weight, a rule that only they
 * match, by a header of theirs say: it stands before the other one, and the two belong to one load balancer.
 */
export const albRouteShape = {
  ruleArn: albRuleArnSchema,
  testerRuleArn: albRuleArnSchema
    .refine((arn) => arn.includes(':listener-rule/'), { message: 'must be a listener rule, not a listener' })
    .optional(),
};

interface AlbRoute {
  readonly ruleArn: string;
  readonly testerRuleArn?: string | undefined;
}

/** What is wrong between the parts of a route, and between it and the groups that it forwards to. */
const routeFault = (
  { ruleArn, testerRuleArn }: AlbRoute,
  groupArns: readonly string[],
): { readonly path: string; readonly message: string } | undefined => {
  if (testerRuleArn === ruleArn)
    return { path: 'testerRuleArn', message: 'must be another rule than ruleArn' };
  if (testerRuleArn !== undefined && loadBalancerOf(testerRuleArn) !== loadBalancerOf(ruleArn))
    return { path: 'testerRuleArn', message: 'must be a rule of the same load balancer as ruleArn' };
  if ([testerRuleArn ?? ruleArn, ...groupArns].some((arn) => regionOfArn(arn) !== regionOfArn(ruleArn)))
    return { path: 'ruleArn', message: 'must be in the same region as everything else that is named here' };
  return undefined;
};

/** For `superRefine`: the rules and the groups behind them belong together. */
export const requireOneRoute = (
  route: AlbRoute,
  groupArns: readonly string[],
  context: Pick<z.core.$RefinementCtx, 'addIssue'>,
): void => {
  const fault = routeFault(route, groupArns);
  if (fault !== undefined) context.addIssue({ code: 'custom', path: [fault.path], message: fault.message });
};

/** Names of groups, or of services, behind one rule: `blue`, `green`. */
export const slotNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a name such as blue: a-z, 0-9 and -');

/**
 * Target groups behind one listener rule, weighted by its forward action. A release's `version` is the name given here
 * to the group that the team's own pipeline has put the new code into.
 */
export const albTargetSchema = z
  .strictObject({
    kind: z.literal('alb'),
    ...albRouteShape,
    /** Two, or three; with more, too few weights would be left to tell one write from the next. */
    targetGroups: z
      .record(slotNameSchema, targetGroupArnSchema)
      .refine((groups) => [2, 3].includes(Object.keys(groups).length), {
        message: 'must name two or three target groups',
      })
      .refine((groups) => new Set(Object.values(groups)).size === Object.keys(groups).length, {
        message: 'must name each target group once',
      }),
  })
  .superRefine((target, context) => requireOneRoute(target, Object.values(target.targetGroups), context));
export type AlbTarget = z.infer<typeof albTargetSchema>;
