import { addUsage, times, type Usage } from './prices.ts';
import { ASSUMED } from './standard-release.ts';

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties are as many shapes as there are resource types.
  readonly Properties?: any;
}

const MINUTES_A_MONTH = 730 * 60;

/** A year of a team's releases; what it costs to keep them is all there is to see of their number. */
const STORED_GIGABYTES = 0.1;

/** An item for each service, target or chain, however many releases there were: kilobytes. */
const DOES_NOT_GROW = /-(services|deployments|ledger-heads)$/;

/** By the end of a table's name: what is in these in a year is small, names of people and one row for 256 old records. */
const SMALL_TABLES: readonly RegExp[] = [/-ledger-personal$/, /-archives$/, /-holds$/];
const SMALL_GIGABYTES = 0.002;

const gigabytesOf = (table: string): number =>
  SMALL_TABLES.some((name) => name.test(table)) ? SMALL_GIGABYTES : STORED_GIGABYTES;

/** Lambda asks an empty queue with five pollers, each for 20 s (Lambda Developer Guide, "Configuring scaling behavior"). */
const POLLS_A_MINUTE = 5 * 3;

/** A call of recover-release that finds nothing: the index `open` looked at, by a role that needs the table's key. */
const SWEEP: Usage = {
  scheduled: 1,
  invocations: 1,
  gigabyteSeconds: ASSUMED.gigabytesPerCall * ASSUMED.secondsPerCall,
  logGigabytes: ASSUMED.logKilobytesPerCall / 1e6,
  traces: 1,
  readUnits: 0.5,
  keyRequests: 1,
};

/**
 * A run of seal-checkpoint with nothing to sign: the newest seal, the newest checkpoint, and the head. A table's key is
 * asked for after five minutes without a request (DynamoDB Developer Guide, "Encryption at rest"), so here it never is.
 */
const SEALING: Usage = { ...SWEEP, readUnits: 3, keyRequests: 0 };

/** By the beginning of a schedule's description: what one of its calls costs when there is nothing to do. */
const callOf = (description = ''): Usage => (description.startsWith('Signs') ? SEALING : SWEEP);

const minutesOf = (expression: string): number => {
  const [, number, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const minutes = { minute: 1, hour: 60, day: 1_440 }[unit ?? ''];
  if (number === undefined || minutes === undefined)
    throw new Error(`bench/cost/idle-month.ts can't read ${expression}`);
  return Number(number) * minutes;
};

/** By type: what a resource costs in a month in which nobody asks for anything. */
const IDLE: Readonly<Record<string, (properties: Resource['Properties']) => Usage>> = {
  'AWS::CloudWatch::Alarm': ({ Period }) => (Period < 60 ? { fastAlarms: 1 } : { alarms: 1 }),
  'AWS::CloudWatch::Dashboard': () => ({ dashboards: 1 }),
  'AWS::KMS::Key': () => ({ keys: 1 }),
  'AWS::DynamoDB::Table': ({ TableName }) =>
    DOES_NOT_GROW.test(TableName) ? {} : { tableGigabytes: gigabytesOf(TableName) },
  'AWS::Scheduler::Schedule': ({ ScheduleExpression, Description }) =>
    times(callOf(Description), MINUTES_A_MONTH / minutesOf(ScheduleExpression)),
  // A stream is read for nothing (Amazon DynamoDB pricing: Streams, Lambda triggers).
  'AWS::Lambda::EventSourceMapping': ({ StartingPosition }) =>
    StartingPosition === undefined ? { queueRequests: POLLS_A_MINUTE * MINUTES_A_MONTH } : {},
};

/** Costs nothing while nobody uses it. People are free of charge up to 10,000 a month (Amazon Cognito pricing). */
const FREE: ReadonlySet<string> = new Set([
  'AWS::AppConfig::Application',
  'AWS::AppConfig::ConfigurationProfile',
  'AWS::AppConfig::Deployment',
  'AWS::AppConfig::DeploymentStrategy',
  'AWS::AppConfig::Environment',
  'AWS::AppConfig::HostedConfigurationVersion',
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Authorizer',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::CDK::Metadata',
  'AWS::Cognito::UserPool',
  'AWS::Cognito::UserPoolClient',
  'AWS::Cognito::UserPoolDomain',
  'AWS::Cognito::UserPoolResourceServer',
  'AWS::Cognito::UserPoolGroup',
  'AWS::Events::EventBus',
  'AWS::Events::Rule',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Alias',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Version',
  'AWS::Logs::LogGroup',
  // Empty; what is in them is a few kilobytes a record-rich day.
  'AWS::S3::Bucket',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::SQS::QueuePolicy',
  'AWS::StepFunctions::StateMachine',
]);

/**
 * What the stack's resources cost in a month without a release.
 * @throws for a type that nobody has thought about: it may cost a lot.
 */
export const idleMonth = (resources: Readonly<Record<string, Resource>>): Usage =>
  addUsage(
    ...Object.values(resources).map(({ Type, Properties }) => {
      const price = IDLE[Type];
      if (price !== undefined) return price(Properties);
      if (FREE.has(Type)) return {};
      throw new Error(`what does a ${Type} cost? bench/cost/idle-month.ts does not know`);
    }),
  );
