import path from 'node:path';
import { Aws, type CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat, SourceMapMode } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { explainWildcard } from './wildcard.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

/**
 * Ways to find credentials that a function never takes, because Lambda gives them in the environment and that way is
 * tried first; each is reached by a dynamic import only, and together they are a fifth of a bundle.
 */
const NEVER_LOADED = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
] as const;

type Conditions = Readonly<Record<string, Record<string, string | string[]>>>;

export interface GovernedFunctionProps {
  readonly config: StageConfig;
  /** The folder under functions/. */
  readonly slice: string;
  /** The file in it, without `.handler.ts`; also the function's name behind the stack's prefix. */
  readonly entry: string;
  readonly timeoutSeconds: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly memoryMb?: number;
  readonly reservedConcurrency?: number | null;
  /** Why it may also do something that has no resource to name, besides writing traces. */
  readonly everyResource?: string;
  /** Where an asynchronous invocation goes that failed every try. */
  readonly deadLetterQueue?: IQueue;
}

/** The physical name of an entry's function: known before it exists, so that ARNs can be made without a cycle. */
export const functionName = (config: StageConfig, entry: string): string => `${config.name}-${entry}`;

/**
 * The one place a Lambda is made. Whatever is true of every function is true here: runtime, bundling, a log group
 * that expires, tracing, a role of its own that starts with nothing but its logs and traces, and a published version
 * that callers use, so that a release in flight finishes on the code it started with.
 */
export class GovernedFunction extends Construct {
  readonly function: lambda.Function;
  /** What everyone calls. */
  readonly live: lambda.IFunction;
  readonly role: iam.Role;
  readonly timeoutSeconds: number;
  /** Its file's name, and its own behind the stack's prefix. */
  readonly entry: string;

  constructor(scope: Construct, id: string, props: GovernedFunctionProps) {
    super(scope, id);
    const { config } = props;
    const name = functionName(config, props.entry);
    this.timeoutSeconds = props.timeoutSeconds;
    this.entry = props.entry;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${name}`,
      retention: config.logRetentionDays,
      removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${name} may do, and nothing else.`,
    });
    this.function = new NodejsFunction(this, 'Function', {
      functionName: name,
      entry: path.join(ROOT, 'functions', props.slice, `${props.entry}.handler.ts`),
      projectRoot: ROOT,
      depsLockFilePath: path.join(ROOT, 'package-lock.json'),
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMb ?? 512,
      tracing: lambda.Tracing.ACTIVE,
      role: this.role,
      logGroup,
      ...(props.reservedConcurrency != null && { reservedConcurrentExecutions: props.reservedConcurrency }),
      ...(props.deadLetterQueue && { deadLetterQueue: props.deadLetterQueue }),
      environment: {
        POWERTOOLS_SERVICE_NAME: props.entry,
        POWERTOOLS_LOG_LEVEL: 'INFO',
        NODE_OPTIONS: '--enable-source-maps',
        ...props.environment,
      },
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        minify: true,
        sourceMap: true,
        // Linked, or --enable-source-maps finds nothing; without the sources themselves, which are in the repository.
        sourceMapMode: SourceMapMode.DEFAULT,
        sourcesContent: false,
        bundleAwsSDK: true,
        externalModules: [...NEVER_LOADED],
        mainFields: ['module', 'main'],
        // Some dependencies are still CommonJS and ask for node's modules by require.
        banner: "import{createRequire as r}from'node:module';const require=r(import.meta.url);",
      },
    });
    // The cast: CDK's own types are not written for exactOptionalPropertyTypes.
    this.live = this.function.currentVersion as lambda.IFunction;
    this.allow(
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [`arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:/aws/lambda/${name}:*`],
      { wildcard: 'The streams of its own log group have names made by Lambda.' },
    );
    explainWildcard(this, '*', props.everyResource ?? 'X-Ray writes have no resource to name.');
  }

  /** Grants exactly this, to this function alone. A resource that ends in a wildcard needs its reason. */
  allow(
    actions: readonly string[],
    resources: readonly string[],
    options: { readonly conditions?: Conditions; readonly wildcard?: string } = {},
  ): this {
    const { conditions, wildcard } = options;
    this.role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions && { conditions }),
      }),
    );
    if (wildcard !== undefined)
      for (const resource of resources) if (resource.includes('*')) explainWildcard(this, resource, wildcard);
    return this;
  }

  /** Lets `user` call any published version of this function, for code that is older than the newest. */
  grantCalls(user: GovernedFunction): void {
    const { node, stack, functionArn } = this.function;
    user.allow(['lambda:InvokeFunction'], [`${functionArn}:*`]);
    const id = stack.getLogicalId(node.defaultChild as CfnResource);
    explainWildcard(user, `<${id}.Arn>:*`, 'Any published version of this one function.');
  }
}
