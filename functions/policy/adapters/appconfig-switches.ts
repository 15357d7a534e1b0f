import { AppConfigProvider } from '@aws-lambda-powertools/parameters/appconfig';
import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { servedStates } from '#policy/flags-document-schema.ts';
import type { SwitchStates } from '#policy/kill-switches.ts';

/** Where the stack keeps its flags. */
export interface FlagsPlace {
  readonly application: string;
  readonly environment: string;
  readonly profile: string;
}

/** AppConfig refuses to be asked more often (AppConfig API Reference, StartConfigurationSession). */
const POLL_SECONDS_MIN = 15;

/**
 * Asks AppConfig's data plane, which answers with the flags that are deployed. After a failure it begins a session
 * anew: a token is good for one call, and whether that call took it is not known.
 */
export const appConfigSwitches = (
  client: AppConfigDataClient,
  { application, environment, profile }: FlagsPlace,
): (() => Promise<SwitchStates>) => {
  const begin = () => new AppConfigProvider({ application, environment, awsSdkV3Client: client });
  let session = begin();
  return async () => {
    try {
      const served = await session.get(profile, {
        transform: 'json',
        forceFetch: true,
        sdkOptions: { RequiredMinimumPollIntervalInSeconds: POLL_SECONDS_MIN },
      });
      return servedStates(served);
    } catch (error) {
      session = begin();
      throw error;
    }
  };
};
