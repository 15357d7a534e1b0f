import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { mockClient } from 'aws-sdk-client-mock';
import { flagsDocument, NOBODY_CHANGED_ANY, STACK_LABEL } from '#policy/flags-document-schema.ts';

const named = (name: string) => Object.assign(new Error(name), { name });

interface Deployment {
  readonly number: number;
  readonly version: number;
  state: string;
  /** How often it is looked at before it is complete; those of people may take long. */
  looksLeft: number;
}

/**
 * As much of AppConfig as the flags need: versions made on the condition of the newest, and deployments one at a time,
 * which take a look or two. `before` runs as a call arrives: what others do in between.
 */
export const flagsControlPlane = () => {
  const versions: { content: unknown; label: string | undefined }[] = [
    { content: flagsDocument(NOBODY_CHANGED_ANY), label: STACK_LABEL },
  ];
  const deployments: Deployment[] = [{ number: 1, version: 1, state: 'COMPLETE', looksLeft: 0 }];
  const aws = mockClient(AppConfigClient);
  let before: (call: string) => void = () => undefined;

  const make = (content: unknown, label?: string): number => versions.push({ content, label });
  const running = () => deployments.find(({ state }) => state === 'DEPLOYING' || state === 'BAKING');
  const start = (version: number, looksLeft = 1, state = 'DEPLOYING'): void => {
    if (running()) throw named('ConflictException');
    deployments.push({ number: deployments.length + 1, version, state, looksLeft });
  };

  aws.on(ListDeploymentsCommand).callsFake(async () => {
    before('list');
    const Items = deployments.map(({ number, version, state }) => ({
      DeploymentNumber: number,
      ConfigurationVersion: String(version),
      State: state,
    }));
    const now = running();
    if (now !== undefined) {
      now.looksLeft -= 1;
      if (now.looksLeft <= 0) now.state = 'COMPLETE';
    }
    return { Items };
  });
  aws.on(ListHostedConfigurationVersionsCommand).callsFake(async () => ({
    Items: versions.map((_, index) => ({ VersionNumber: index + 1 })),
  }));
  aws.on(GetHostedConfigurationVersionCommand).callsFake(async ({ VersionNumber }) => {
    const found = versions[VersionNumber - 1];
    if (found === undefined) throw named('ResourceNotFoundException');
    return { Content: new TextEncoder().encode(JSON.stringify(found.content)), VersionLabel: found.label };
  });
  aws.on(CreateHostedConfigurationVersionCommand).callsFake(async (input) => {
    before('create');
    if (input.LatestVersionNumber !== versions.length) throw named('ConflictException');
    return { VersionNumber: make(JSON.parse(new TextDecoder().decode(input.Content)), input.VersionLabel) };
  });
  aws.on(StartDeploymentCommand).callsFake(async (input) => {
    before('start');
    if (input.LatestDeploymentNumber !== deployments.at(-1)?.number) throw named('ConflictException');
    start(Number(input.ConfigurationVersion));
    return {};
  });
  aws.on(StopDeploymentCommand).callsFake(async ({ DeploymentNumber, AllowRevert }) => {
    before('stop');
    const found = deployments.find(({ number }) => number === DeploymentNumber);
    const stops = found?.state === 'DEPLOYING' || (found?.state === 'BAKING' && AllowRevert === true);
    if (found === undefined || !stops) throw named('BadRequestException');
    found.state = 'ROLLED_BACK';
    return {};
  });

  return {
    aws,
    client: new AppConfigClient({ region: 'eu-central-1' }),
    versions,
    deployments,
    /** What somebody does with AppConfig itself, around the API. */
    outside: { make, start },
    meanwhile: (hook: (call: string) => void) => {
      before = hook;
    },
  };
};
