import * as z from 'zod';
import { albRuleArnSchema } from '#policy/alb-target-schema.ts';
import { appConfigFlagSchema } from '#policy/appconfig-target-schema.ts';
import { shifterFunctionSchema } from '#policy/custom-target-schema.ts';
import { ecsServiceSchema } from '#policy/ecs-target-schema.ts';
import { regionSchema } from '#policy/region-schema.ts';
import { regionOf, type Target } from '#policy/target.ts';

/** What the stage's configuration lets Sluice move, by the settings' own names (infra/config.ts). */
const targetSettingsSchema = z.strictObject({
  /** Names, or the beginning of some followed by `*`. */
  lambdaTargets: z.array(z.string()),
  albRules: z.array(albRuleArnSchema),
  ecsServices: z.array(ecsServiceSchema),
  appConfigFlags: z.array(appConfigFlagSchema),
  shifterFunctions: z.array(shifterFunctionSchema),
  targetRegions: z.array(regionSchema),
});
export type TargetSettings = z.infer<typeof targetSettingsSchema>;

/** The settings as an environment variable carries them: a JSON object. */
export const targetSettingsVariable = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(targetSettingsSchema);

const isNamedBy = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name,
  );

const rulesOf = ({ ruleArn, testerRuleArn }: { ruleArn: string; testerRuleArn?: string | undefined }) =>
  testerRuleArn === undefined ? [ruleArn] : [ruleArn, testerRuleArn];

type Needed = readonly (readonly [setting: keyof TargetSettings, value: string])[];

/** Every entry of a setting that the target has to be found by. */
const neededBy = (target: Target): Needed => {
  switch (target.kind) {
    case 'lambda-alias':
      return [['lambdaTargets', target.functionName]];
    case 'alb':
      return rulesOf(target).map((arn) => ['albRules', arn] as const);
    case 'ecs':
      return [
        ...rulesOf(target).map((arn) => ['albRules', arn] as const),
        ...Object.values(target.services).map(
          ({ service }) => ['ecsServices', `${target.cluster}/${service}`] as const,
        ),
      ];
    case 'appconfig-flag':
      return [['appConfigFlags', [target.applicationId, target.environmentId, target.profileId].join('/')]];
    case 'custom':
      return [['shifterFunctions', target.functionName]];
    default:
      return target satisfies never;
  }
};

/** The setting that has to name the target before Sluice may move it, and what to add there; undefined when it does. */
export const missingSetting = (
  target: Target,
  settings: TargetSettings,
  ownRegion: string,
): { readonly setting: keyof TargetSettings; readonly value: string } | undefined => {
  const region = regionOf(target);
  if (region !== undefined && region !== ownRegion && !settings.targetRegions.includes(region))
    return { setting: 'targetRegions', value: region };
  for (const [setting, value] of neededBy(target)) {
    const named = settings[setting];
    if (setting === 'lambdaTargets' ? isNamedBy(named, value) : named.some((one) => one === value)) continue;
    return { setting, value };
  }
  return undefined;
};
