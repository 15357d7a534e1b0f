import * as z from 'zod';
import { albRuleArnSchema } from '../functions/policy/alb-target-schema.ts';
import { appConfigFlagSchema } from '../functions/policy/appconfig-target-schema.ts';
import { shifterFunctionSchema } from '../functions/policy/custom-target-schema.ts';
import { ecsServiceSchema } from '../functions/policy/ecs-target-schema.ts';
import { hookFunctionSchema } from '../functions/policy/hook-schema.ts';
import { metricFunctionSchema } from '../functions/policy/lambda-metrics-schema.ts';
import { hostPatternSchema, metricHostSchema, type Reach } from '../functions/policy/outbound-schema.ts';
import { regionSchema } from '../functions/policy/region-schema.ts';
import { REQUESTED_STRATEGIES } from '../functions/policy/strategy-schema.ts';

/** A Lambda function's name, or the beginning of one followed by `*`. */
const functionNamePattern = z
  .string()
  .regex(/^[A-Za-z0-9-_]{1,64}\*?$/, 'must be a function name, or the beginning of one followed by *');

/** A role by its exact ARN: a pattern would let tasks run as whoever is named like it. */
const taskRoleSchema = z
  .string()
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/, 'must be the ARN of a role, not a pattern');

const parameterNameSchema = z
  .string()
  .regex(/^(\/[A-Za-z0-9_.-]+){1,15}$/, 'must be a parameter name that begins with /');

/** S3 Object Lock: how hard it is to lift, and for how long. */
const lockSchema = z.strictObject({
  mode: z.enum(['governance', 'compliance']),
  years: z.int().min(1).max(30),
});

const pathRuleSchema = z.string().min(1).max(100).regex(/^[^/]/, 'must not begin with /');

/** Whether a pattern can mean a function of Sluice's own: moving or calling one would be a way around every rule. */
const meansOurs = (pattern: string, name: string): boolean => {
  const own = `${name}-`;
  const beginning = pattern.replace(/\*$/, '');
  return beginning.startsWith(own) || (pattern.endsWith('*') && own.startsWith(beginning));
};

/**
 * Every deploy-time setting of the stack, with its unit in its name. Nothing else decides how a stage differs from
 * another: the code that runs is the same.
 */
const settingsSchema = z.strictObject({
  stage: z.enum(['local', 'team']),
  /** Prefix of every physical name; two stacks in one account and region need two. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,15}$/)
    .default('sluice'),
  /** The only functions whose aliases Sluice may read and move. */
  lambdaTargets: z.array(functionNamePattern).min(1),
  /** The only listener rules, and listeners by their default actions, whose weights Sluice may move. */
  albRules: z.array(albRuleArnSchema).max(50).default([]),
  /** The only ECS services that Sluice may deploy to, as `cluster/service`; both services of a target, and its rule. */
  ecsServices: z.array(ecsServiceSchema).max(50).default([]),
  /** The only roles that tasks of those services may run as, and be started with: Sluice hands them on with an image. */
  ecsTaskRoles: z.array(taskRoleSchema).max(50).default([]),
  /** The only feature flags that Sluice may deploy, as ids: `application/environment/profile`. */
  appConfigFlags: z.array(appConfigFlagSchema).max(50).default([]),
  /** Other regions than the stack's own in which the targets named here may be. */
  targetRegions: z.array(regionSchema).max(10).default([]),
  /** The only functions that may be asked to move traffic for a custom target, by their exact names. */
  shifterFunctions: z.array(shifterFunctionSchema).max(50).default([]),
  /** The only hosts that probes may call, as `api.example.com` or `*.example.com`; none refuses probes. */
  probeHosts: z.array(hostPatternSchema).max(100).default([]),
  /** The only Prometheus-compatible servers that facts may come from, each with the parameter of its token. */
  prometheusHosts: z.array(metricHostSchema).max(20).default([]),
  /** The only functions that may be asked for a service's counts, by their exact names. */
  metricFunctions: z.array(metricFunctionSchema).max(50).default([]),
  /** The only servers that hooks may call, each with the parameter of its token; none refuses hooks over HTTP. */
  hookHosts: z.array(metricHostSchema).max(20).default([]),
  /** The only functions that hooks may call, by their exact names. */
  hookFunctions: z.array(hookFunctionSchema).max(50).default([]),
  /** How a release to an environment named production may come to its traffic. */
  productionStrategies: z.array(z.enum(REQUESTED_STRATEGIES)).min(1).default(['canary']),
  /**
   * Parameters of Parameter Store (SecureString) with the secrets of GitHub's webhooks; two while one takes over from the
   * other. None refuses every delivery.
   */
  githubSecretParameters: z.array(parameterNameSchema).max(5).default([]),
  /** Pushes that touch these change infrastructure: `folder/` at any depth, or a file's name. */
  infrastructurePaths: z.array(pathRuleSchema).max(30).default(['terraform/', 'infra/', 'environments/']),
  /** Pushes that touch these change who may do what, and are of high risk. */
  securityPaths: z
    .array(pathRuleSchema)
    .max(30)
    .default(['iam/', 'security/', 'iam.tf', 'CODEOWNERS', '.github/workflows/']),
  /** Whether allowed hosts may lead to private addresses too; loopback and metadata addresses never do in a team's stage. */
  privateAddresses: z.boolean().default(false),
  /** Keep tables, logs and keys when the stack is deleted, and refuse their deletion before that. */
  retainData: z.boolean(),
  logRetentionDays: z.literal([1, 7, 30, 90, 365]),
  /**
   * The finest period a metric source may declare. CloudWatch's own Lambda metrics come once a minute; only the local
   * stage, whose metrics are high-resolution ones, goes below.
   */
  metricPeriodSecondsMin: z.int().min(1).max(60),
  /** How often a stage asks the judge when the plan doesn't say. */
  lookIntervalSeconds: z.int().min(1).max(60),
  /** How long functions go by the kill switches that they read last; AppConfig is asked every 15 s at most. */
  flagsKeptSeconds: z.int().min(1).max(300),
  /** How often the sweep looks for releases whose execution is gone; status events find most of them at once. */
  recoverEveryMinutes: z.int().min(1).max(60),
  /** How often what runs is compared with what was released. */
  reconcileEveryMinutes: z.int().min(1).max(720).default(15),
  /** How long a release may stand accepted without an execution before the sweep starts it. */
  startGraceSeconds: z.int().min(1).max(600),
  /** How often new records of the ledger are signed. Looking every minute costs half a dollar a month more. */
  sealEveryMinutes: z.int().min(1).max(60),
  /**
   * S3 Object Lock on checkpoints. `governance` can be lifted by who has s3:BypassGovernanceRetention; `compliance` by
   * nobody, so that bucket and account stay for as long. It can't be taken off a bucket that has it.
   */
  checkpointLock: lockSchema.nullable(),
  /** How long records stay in the table after they were signed, before they move to the archive; a part of a day to try it out. */
  archiveAfterDays: z.number().min(0).max(3_650).default(365),
  /**
   * S3 Object Lock on the archive, which is all that there is of an old record: as `checkpointLock`. Without one, records
   * leave the table for a bucket that can be emptied.
   */
  archiveLock: lockSchema.nullable(),
  /** A bucket, of another account if possible, that gets a copy of each day's checkpoint; null for none. */
  checkpointCopies: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .nullable()
    .default(null),
  /** Concurrency kept free for each of the four functions that bring traffic back, taken from the account's; null where it has none to spare. */
  restoreConcurrency: z.int().min(1).max(100).nullable(),
  apiRequestsPerSecond: z.int().min(1).max(10_000),
  /** Whether people must have a second factor to sign in. */
  secondFactor: z.enum(['required', 'optional']),
  /**
   * The first part of the sign-in page's host name, `PREFIX.auth.REGION.amazoncognito.com`, which is unique among all AWS
   * accounts; left out, it is the stack's name and a part of its id.
   */
  signInDomainPrefix: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
    .optional(),
  /** A CloudWatch dashboard of rollouts: $3 a month, or nothing for the first three of an account. */
  dashboard: z.boolean(),
  /** Who is told of alarms by mail; each address is asked by AWS to confirm first. */
  alarmEmails: z.array(z.email()).max(20).default([]),
});

/** Cognito refuses these in the host name of a sign-in page. */
const NOT_IN_A_SIGN_IN_DOMAIN = /aws|amazon|cognito/;

export const stageConfigSchema = settingsSchema.superRefine((settings, context) => {
  const { name, signInDomainPrefix = name } = settings;
  if (NOT_IN_A_SIGN_IN_DOMAIN.test(signInDomainPrefix))
    context.addIssue({
      code: 'custom',
      path: ['signInDomainPrefix'],
      message: 'must be given, and not have "aws", "amazon" or "cognito" in it: Cognito refuses them',
    });
  for (const setting of ['lambdaTargets', 'shifterFunctions', 'metricFunctions', 'hookFunctions'] as const)
    settings[setting].forEach((pattern, index) => {
      if (meansOurs(pattern, settings.name))
        context.addIssue({
          code: 'custom',
          path: [setting, index],
          message: `must not mean functions of the stack itself (${settings.name}-…)`,
        });
    });
});
export type StageConfig = z.infer<typeof stageConfigSchema>;

const DEFAULTS: Record<StageConfig['stage'], Omit<z.input<typeof settingsSchema>, 'stage'>> = {
  local: {
    lambdaTargets: ['checkout*'],
    probeHosts: ['127.0.0.1:*', 'localhost:*'],
    prometheusHosts: [{ host: '127.0.0.1:*' }, { host: 'localhost:*' }],
    hookHosts: [{ host: '127.0.0.1:*' }, { host: 'localhost:*' }],
    hookFunctions: ['checkout-hook'],
    productionStrategies: ['canary', 'blue-green'],
    githubSecretParameters: ['/sluice/github-webhook', '/sluice/github-webhook-next'],
    retainData: false,
    logRetentionDays: 1,
    metricPeriodSecondsMin: 1,
    lookIntervalSeconds: 1,
    flagsKeptSeconds: 1,
    recoverEveryMinutes: 1,
    sealEveryMinutes: 1,
    // A tour, or a run of the tests, is over by then: what is compared there is compared when it is asked for.
    reconcileEveryMinutes: 120,
    startGraceSeconds: 5,
    checkpointLock: null,
    archiveAfterDays: 0,
    archiveLock: null,
    restoreConcurrency: null,
    apiRequestsPerSecond: 1_000,
    secondFactor: 'optional',
    dashboard: true,
  },
  team: {
    lambdaTargets: ['checkout'],
    retainData: true,
    logRetentionDays: 365,
    metricPeriodSecondsMin: 60,
    lookIntervalSeconds: 10,
    flagsKeptSeconds: 20,
    recoverEveryMinutes: 5,
    sealEveryMinutes: 5,
    startGraceSeconds: 60,
    checkpointLock: { mode: 'governance', years: 7 },
    archiveLock: { mode: 'governance', years: 7 },
    restoreConcurrency: null,
    apiRequestsPerSecond: 50,
    secondFactor: 'required',
    dashboard: false,
  },
};

const parse = <S extends z.ZodType>(schema: S, value: unknown): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`the stage configuration is not valid:\n${z.prettifyError(parsed.error)}`);
};

/**
 * The stage's defaults with `overrides` on top.
 * @throws naming each wrong setting; an unknown one is wrong.
 */
export const stageConfig = (
  stage: unknown,
  overrides: Readonly<Record<string, unknown>> = {},
): StageConfig => {
  const name = parse(settingsSchema.shape.stage, stage);
  return parse(stageConfigSchema.safeExtend({ stage: z.literal(name) }), {
    stage: name,
    ...DEFAULTS[name],
    ...overrides,
  });
};

/** Which addresses the stage's functions may call when a service's definition names a URL. */
export const outboundReach = ({ stage, privateAddresses }: StageConfig): Reach => {
  if (stage === 'local') return 'local';
  return privateAddresses ? 'private' : 'public';
};
