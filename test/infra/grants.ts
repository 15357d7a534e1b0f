import { type Resource, referencesIn, type Synthesized } from './synthesized.ts';

/** One allowing statement of a role's policy, its resources as ARNs in which names, not logical ids, stand. */
export interface Grant {
  /** Who may: the function's or workflow's own name without the stack's prefix, or the role's logical id. */
  readonly who: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition: unknown;
}

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'here',
  'AWS::AccountId': 'us',
};

const ARN_OF: Readonly<Record<string, (properties: Resource['Properties']) => string>> = {
  'AWS::DynamoDB::Table': ({ TableName }) => `arn:aws:dynamodb:here:us:table/${TableName}`,
  'AWS::SQS::Queue': ({ QueueName }) => `arn:aws:sqs:here:us:${QueueName}`,
  'AWS::Lambda::Function': ({ FunctionName }) => `arn:aws:lambda:here:us:function:${FunctionName}`,
  'AWS::Events::EventBus': ({ Name }) => `arn:aws:events:here:us:event-bus/${Name}`,
  'AWS::S3::Bucket': ({ BucketName }) =>
    `arn:aws:s3:::${JSON.stringify(BucketName).match(/sluice-[a-z]+/)?.[0]}`,
  'AWS::KMS::Key': ({ Description }) => `arn:aws:kms:here:us:key/${Description}`,
  'AWS::SNS::Topic': ({ TopicName }) => `arn:aws:sns:here:us:${TopicName}`,
};

/** An ARN in a policy as text: an ARN built from parts and a resource's own ARN come out the same. */
export const arnText = (value: unknown, { resources }: Synthesized): string => {
  const named = (id: string): string => {
    const resource = resources[id];
    if (resource?.Type === 'AWS::Lambda::Version')
      return `${arnText(resource.Properties.FunctionName, { resources } as Synthesized)}:VERSION`;
    // AppConfig's ids are made by it; the name stands for the id.
    if (resource?.Type.startsWith('AWS::AppConfig::')) return resource.Properties.Name;
    if (resource?.Type === 'AWS::IAM::Role') return `arn:aws:iam::us:role/${id}`;
    const arn = ARN_OF[resource?.Type ?? '']?.(resource?.Properties);
    if (arn === undefined) throw new Error(`grants.ts does not know the ARN of ${id} (${resource?.Type})`);
    return arn;
  };
  if (typeof value === 'string') return value;
  const [[kind, inner]] = Object.entries(value as object) as [[string, never]];
  if (kind === 'Ref') return PSEUDO[inner] ?? named(inner);
  if (kind === 'Fn::GetAtt' && inner[1] === 'Arn') return named(inner[0]);
  if (kind === 'Fn::GetAtt' && inner[1] === 'StreamArn') return `${named(inner[0])}/stream/NOW`;
  if (kind === 'Fn::Join')
    return (inner[1] as unknown[]).map((part) => arnText(part, { resources } as Synthesized)).join(inner[0]);
  throw new Error(`grants.ts can't read ${JSON.stringify(value)}`);
};

/** By role: what runs with it. */
const holdersOf = (stack: Synthesized): ReadonlyMap<string, string> => {
  const holders = new Map<string, string>();
  const hold = (roleArn: unknown, name: string) => {
    const [role = ''] = referencesIn(roleArn);
    const others = holders.get(role);
    holders.set(role, others === undefined ? name : `${others}+${name}`);
  };
  const short = (name: string) => name.replace(`${stack.config.name}-`, '');
  for (const { Properties } of stack.all('AWS::Lambda::Function'))
    hold(Properties.Role, short(Properties.FunctionName));
  for (const { Properties } of stack.all('AWS::StepFunctions::StateMachine'))
    hold(Properties.RoleArn, `workflow ${short(Properties.StateMachineName)}`);
  for (const { Properties } of stack.all('AWS::Scheduler::Schedule'))
    hold(Properties.Target.RoleArn, `schedule ${short(Properties.Name)}`);
  return holders;
};

/** Every statement of every policy of every role: standing alone, or written into the role itself. */
export const grantsOf = (stack: Synthesized): readonly Grant[] => {
  const holders = holdersOf(stack);
  const grants = (role: string, document: { Statement: readonly Record<string, never>[] }): Grant[] =>
    document.Statement.filter(({ Effect }) => Effect === 'Allow').map((statement) => {
      if (statement.NotAction !== undefined || statement.NotResource !== undefined)
        throw new Error(`a statement of ${role} allows by exclusion`);
      return {
        who: holders.get(role) ?? role,
        actions: listOf<string>(statement.Action as never),
        resources: listOf<unknown>(statement.Resource as never).map((resource) => arnText(resource, stack)),
        condition: statement.Condition,
      };
    });
  return [
    ...['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
      stack
        .all(type)
        .flatMap(({ Properties }) =>
          referencesIn(Properties.Roles).flatMap((role) => grants(role, Properties.PolicyDocument)),
        ),
    ),
    ...stack
      .all('AWS::IAM::Role')
      .flatMap(({ id, Properties }) =>
        (Properties.Policies ?? []).flatMap((inline: { PolicyDocument: never }) =>
          grants(id, inline.PolicyDocument),
        ),
      ),
  ];
};

/** As IAM matches: `*` for any run of characters, `?` for one; actions whatever their case. */
const matches = (pattern: string, text: string, flags = ''): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    flags,
  ).test(text);

/** The grants by which somebody may do this to that. */
export const whoMay = (all: readonly Grant[], action: string, resource: string): readonly Grant[] =>
  all.filter(
    (grant) =>
      grant.actions.some((pattern) => matches(pattern, action, 'i')) &&
      grant.resources.some((pattern) => matches(pattern, resource)),
  );

export const names = (grants: readonly Grant[]): readonly string[] =>
  [...new Set(grants.map(({ who }) => who))].toSorted();
