import {
  CloudFormationClient,
  CreateStackCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import type { Finding } from '../../functions/rollout/doctor/finding.ts';
import { doctorRoutes } from '../../functions/rollout/doctor/routes.ts';
import { ALIAS, createCheckout, demoMetrics, VARIANTS } from '../../local/demo/checkout.ts';
import { newMachine } from './cli/sluice.ts';
import { environment, newName, register } from './doors/services.ts';
import { ledgerSize, recordsFrom } from './doors/stored.ts';
import {
  apiOf,
  awsSettings,
  createService,
  ended,
  eventually,
  type TestService,
  tokenOf,
  withService,
  world,
} from './harness.ts';

const lambda = new LambdaClient(awsSettings);
const iam = new IAMClient(awsSettings);
const cloudFormation = new CloudFormationClient(awsSettings);

const examine = (service: string) => apiOf('vera').call(doctorRoutes.examineService, { params: { service } });

/** What the doctor finds in the service's one environment, by check; more than one of a check is a mistake here. */
const findingsOf = async (service: string): Promise<Readonly<Partial<Record<Finding['check'], Finding>>>> => {
  const { environments } = await examine(service);
  const findings = environments.flatMap((one) => one.findings);
  expect(new Set(findings.map(({ check }) => check)).size).toBe(findings.length);
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
};

/** Registers a service whose environment has this target. */
const registered = async (settings: Parameters<typeof environment>[0]): Promise<string> => {
  const service = newName('examined');
  await register(service, { environments: { production: environment(settings) } });
  return service;
};

/** A function of its own with the demo's versions, its alias on the stable one. */
const newFunction = async (): Promise<string> => {
  const functionName = newName('checkout');
  await createCheckout(world.endpoint, functionName);
  return functionName;
};

const aliasTarget = (functionName: string, alias: string = ALIAS) =>
  ({ kind: 'lambda-alias', functionName, alias }) as const;

/** A stack with an alias of the function, in YAML, as people write it. */
const stackWithAlias = async (functionName: string, alias: string, version: string): Promise<string> => {
  const StackName = newName('stack');
  await cloudFormation.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: `
Parameters:
  Version: { Type: String, Default: '1' }
Resources:
  LiveAlias:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: ${functionName}
      Name: ${alias}
      FunctionVersion: ${version}
`,
    }),
  );
  await waitUntilStackCreateComplete(
    { client: cloudFormation, maxWaitTime: 30, minDelay: 0.2 },
    { StackName },
  );
  return StackName;
};

/** The command, as a pipeline runs it. */
const doctorCommand = async (service: string) => {
  const machine = newMachine({ SLUICE_API: world.apiUrl, SLUICE_TOKEN: await tokenOf('vera') });
  try {
    return await machine.run('doctor', service);
  } finally {
    machine.dispose();
  }
};

describe('the doctor', () => {
  withService('finds nothing wrong with a service that has none', async ({ service }) => {
    // Until there has been traffic for some seconds, it looks like too little for the plan.
    const result = await eventually('everything is ok', async () => {
      const examined = await examine(service.service);
      return examined.status === 'ok' ? examined : undefined;
    });
    expect(result.service).toBe(service.service);
    expect(result.environments).toMatchObject([{ environment: 'production', status: 'ok' }]);
    expect(result.environments[0]?.findings.map(({ check }) => check).toSorted()).toEqual([
      'deployment',
      'errors',
      'latency',
      'metrics',
      'ownership',
      'permissions',
      'plan',
      'setting',
      'target',
    ]);
    expect(await doctorCommand(service.service)).toMatchObject({
      code: 0,
      stdout: `${service.service} in production: ok (9 findings)\n`,
    });
  });

  it('names the setting that the target is missing in, and touches nothing', async () => {
    const service = await registered({ target: aliasTarget('payments-api') });
    const { setting, target } = await findingsOf(service);
    expect(setting).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('add "payments-api" to setting lambdaTargets'),
    });
    expect(target).toBeUndefined();
    expect(await doctorCommand(service)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^fail +setting +add "payments-api" to setting lambdaTargets/m),
    });
  });

  it('misses the alias that is not there', async () => {
    const service = await registered({ target: aliasTarget(await newFunction(), 'nowhere') });
    expect((await findingsOf(service)).target).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('there is no alias'),
    });
  });

  it('misses metrics of a service that nobody calls, and says what they would be needed for', async () => {
    const service = await registered({ target: aliasTarget(await newFunction()), metrics: demoMetrics });
    const { metrics, plan } = await findingsOf(service);
    expect(metrics).toMatchObject({ status: 'warn', text: expect.stringContaining('no requests') });
    expect(plan).toMatchObject({ status: 'unknown', text: expect.stringContaining('100 requests') });
  });

  it('finds that a policy keeps Sluice from bringing traffic back, before anything has to be', async () => {
    const functionName = await newFunction();
    const service = await registered({ target: aliasTarget(functionName) });
    expect((await findingsOf(service)).permissions).toMatchObject({ status: 'ok' });
    const { Role = '' } = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'sluice-restore-traffic' }),
    );
    const policy = { RoleName: Role.split('/').at(-1) ?? '', PolicyName: newName('boundary') };
    const Resource = `arn:aws:lambda:us-east-1:000000000000:function:${functionName}*`;
    const Statement = [{ Effect: 'Deny', Action: 'lambda:UpdateAlias', Resource }];
    await iam.send(
      new PutRolePolicyCommand({
        ...policy,
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
      }),
    );
    try {
      expect((await findingsOf(service)).permissions).toMatchObject({
        status: 'fail',
        text: expect.stringContaining('restore-traffic may not lambda:UpdateAlias'),
      });
    } finally {
      await iam.send(new DeleteRolePolicyCommand(policy));
    }
  });

  it('is asked about a service that is registered, and an environment that it has', async () => {
    await expect(examine('absent-service')).rejects.toMatchObject({ problem: { status: 404 } });
    const service = await registered({});
    const call = apiOf('vera').call(doctorRoutes.examineService, {
      params: { service },
      query: { environment: 'elsewhere' },
    });
    await expect(call).rejects.toMatchObject({ problem: { status: 404 } });
  });
});

describe('a target that a CloudFormation stack has', () => {
  it('is found when its deployments move it, and can’t be registered anew', async () => {
    const functionName = await newFunction();
    const target = aliasTarget(functionName, 'stacked');
    const service = await registered({ target });
    const stack = await stackWithAlias(functionName, 'stacked', '!Ref Version');
    expect((await findingsOf(service)).ownership).toMatchObject({
      status: 'fail',
      text: expect.stringMatching(
        new RegExp(`resource LiveAlias of CloudFormation stack ${stack}.*FunctionVersion`, 's'),
      ),
    });
    const definition = { environments: { production: environment({ target }) } };
    const named = { path: 'environments.production.target', message: expect.stringContaining(stack) };
    await expect(register(newName('another'), definition)).rejects.toMatchObject({
      problem: { status: 403, faults: [named] },
    });
    // The service that had it before is not kept from changing.
    expect(await register(service, definition)).toMatchObject({
      warnings: [expect.stringMatching(new RegExp(`^environments.production.target: .*${stack}`))],
    });
  });

  it('is fine when the stack leaves it alone', async () => {
    const functionName = await newFunction();
    const stack = await stackWithAlias(functionName, 'stacked', "'1'");
    const service = await registered({ target: aliasTarget(functionName, 'stacked') });
    expect((await findingsOf(service)).ownership).toMatchObject({
      status: 'ok',
      facts: { kind: 'pinned', stack, logicalId: 'LiveAlias' },
    });
  });
});

/** Compares as the schedule would, now. */
const reconcile = async (): Promise<void> => {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: 'sluice-reconcile-deployments', Payload: '{}' }),
  );
  expect(FunctionError, Payload?.transformToString()).toBeUndefined();
};

const aroundSluice = (functionName: string, version: string) =>
  lambda.send(new UpdateAliasCommand({ FunctionName: functionName, Name: ALIAS, FunctionVersion: version }));

const deploymentRecords = async (from: number, { service }: TestService): Promise<readonly LedgerRecord[]> =>
  (await recordsFrom(from)).filter(
    ({ event, change }) => event.type.startsWith('deployment.') && change.service === service,
  );

describe('a change without a release', () => {
  it('is recorded once, found by the doctor, and ends', async () => {
    const service = await createService();
    try {
      const from = await ledgerSize();
      await ended(await service.request(VARIANTS.good.version));
      await reconcile();
      expect(await deploymentRecords(from, service)).toEqual([]);

      await aroundSluice(service.functionName, VARIANTS.slow.version);
      await reconcile();
      await reconcile();
      const [drifted, ...more] = await deploymentRecords(from, service);
      expect(more).toEqual([]);
      expect(drifted).toMatchObject({
        event: { type: 'deployment.drifted' },
        data: {
          found: '3 (100 %)',
          expected: { version: '2', requestedBy: 'olive' },
          owner: { kind: 'unmanaged' },
        },
      });
      expect((await findingsOf(service.service)).deployment).toMatchObject({
        status: 'fail',
        text: expect.stringContaining('changed without a release'),
      });

      await aroundSluice(service.functionName, VARIANTS.good.version);
      await reconcile();
      await reconcile();
      expect((await deploymentRecords(from, service)).map(({ event }) => event.type)).toEqual([
        'deployment.drifted',
        'deployment.reconciled',
      ]);
      expect((await findingsOf(service.service)).deployment).toMatchObject({ status: 'ok' });
    } finally {
      await service.stop();
    }
  });
});
