import type * as z from 'zod';
import { appConfigData } from '#platform/clients.ts';
import { logger } from '#platform/telemetry.ts';
import { appConfigSwitches, type FlagsPlace } from '#policy/adapters/appconfig-switches.ts';
import type { switchesEnvironment } from '#policy/environment.ts';
import { keptSwitches, type Switches } from '#policy/switch-readings.ts';

export type SwitchesEnvironment = z.output<z.ZodObject<typeof switchesEnvironment>>;

export const flagsPlace = (environment: SwitchesEnvironment): FlagsPlace => ({
  application: environment.FLAGS_APPLICATION,
  environment: environment.FLAGS_ENVIRONMENT,
  profile: environment.FLAGS_PROFILE,
});

/** The kill switches, for any function that the stack lets read them. */
export const killSwitches = (environment: SwitchesEnvironment): Switches =>
  keptSwitches({
    ask: appConfigSwitches(appConfigData(), flagsPlace(environment)),
    keepSeconds: environment.FLAGS_KEPT_SECONDS,
    now: Date.now,
    onTrouble: (error) => logger.warn('kill switches not read', { error }),
  });
