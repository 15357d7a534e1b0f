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
      `^${LOAD_BALANCING_ARN}listener(-rule/app/[^/*?]+(/[0-9a-f]+){3}|/app/[^/*?]+(/[0-9a-f]+){2})$`,
    ),
    'must be the ARN of a listener rule, or of a listener, of an Application Load Balancer',
  );

/**
 * Target groups behind one listener rule, weighted by its forward action. A release's `version` is the name given here
 * to the group that the team's own pipeline has put the new code into.
 */
export const albTargetSchema = z.strictObject({
  kind: z.literal('alb'),
  ruleArn: albRuleArnSchema,
  /** Two, or three; with more, too few weights would be left to tell one write from the next. */
  targetGroups: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a name such as blue: a-z, 0-9 and -'),
      z
        .string()
        .regex(
          new RegExp(`^${LOAD_BALANCING_ARN}targetgroup/[^/*?]+/[0-9a-f]+$`),
          'must be the ARN of a target group',
        ),
    )
    .refine((groups) => [2, 3].includes(Object.keys(groups).length), {
      message: 'must name two or three target groups',
    })
    .refine((groups) => new Set(Object.values(groups)).size === Object.keys(groups).length, {
      message: 'must name each target group once',
    }),
});
export type AlbTarget = z.infer<typeof albTargetSchema>;
