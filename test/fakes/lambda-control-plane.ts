import {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetProvisionedConcurrencyConfigCommand,
  LambdaClient,
  PreconditionFailedException,
  ProvisionedConcurrencyConfigNotFoundException,
  ResourceNotFoundException,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import type { LambdaAliasTarget } from '#policy/target.ts';

interface Version {
  readonly role?: string;
  readonly deadLetterArn?: string;
  readonly timeoutSeconds?: number;
}

const metadata = { $metadata: {} };
const notFound = (what: string) =>
  new ResourceNotFoundException({ message: `${what} not found`, ...metadata });

/**
 * As much of Lambda's control plane as aliases need, behind the real client: one function, its published versions and
 * one alias that points to the first of them. Lambda answers 404 for what isn't there and 412 for an old RevisionId.
 */
export const lambdaControlPlane = (
  { functionName, alias }: LambdaAliasTarget,
  versions: Readonly<Record<string, Version>>,
) => {
  let writes = 1;
  let routing: { version: string; weights: Record<string, number> } = {
    version: Object.keys(versions)[0] ?? '',
    weights: {},
  };
  const client = new LambdaClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const present = () => ({
    Name: alias,
    FunctionVersion: routing.version,
    RevisionId: `revision-${writes}`,
    ...(Object.keys(routing.weights).length > 0 && {
      RoutingConfig: { AdditionalVersionWeights: routing.weights },
    }),
  });
  const requireAlias = (input: { FunctionName?: string | undefined; Name?: string | undefined }): void => {
    if (input.FunctionName !== functionName || input.Name !== alias) throw notFound(`alias ${input.Name}`);
  };

  mock.on(GetAliasCommand).callsFake(async (input) => {
    requireAlias(input);
    return present();
  });
  mock.on(UpdateAliasCommand).callsFake(async (input) => {
    requireAlias(input);
    if (input.RevisionId !== undefined && input.RevisionId !== present().RevisionId)
      throw new PreconditionFailedException({
        message: 'The RevisionId provided does not match the latest RevisionId',
        ...metadata,
      });
    const weights: Record<string, number> = input.RoutingConfig?.AdditionalVersionWeights ?? {};
    for (const version of [input.FunctionVersion, ...Object.keys(weights)])
      if (!(version in versions)) throw notFound(`version ${version}`);
    if (Object.keys(weights).length > 1 || input.FunctionVersion in weights)
      throw new Error('InvalidParameterValueException: an alias routes to at most two different versions');
    routing = { version: input.FunctionVersion, weights };
    writes += 1;
    return present();
  });
  mock.on(GetProvisionedConcurrencyConfigCommand).callsFake(async () => {
    throw new ProvisionedConcurrencyConfigNotFoundException({ message: 'none', ...metadata });
  });
  mock.on(GetFunctionConfigurationCommand).callsFake(async (input) => {
    const version = versions[input.Qualifier];
    if (input.FunctionName !== functionName || version === undefined)
      throw notFound(`version ${input.Qualifier}`);
    return {
      Role: version.role ?? 'arn:aws:iam::123456789012:role/checkout',
      Timeout: version.timeoutSeconds ?? 3,
      ...(version.deadLetterArn !== undefined && {
        DeadLetterConfig: { TargetArn: version.deadLetterArn },
      }),
    };
  });
  return { client, mock };
};
