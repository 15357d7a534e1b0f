import type { AppConfigTarget } from '#policy/appconfig-target-schema.ts';

export const flagTarget: AppConfigTarget = {
  kind: 'appconfig-flag',
  applicationId: 'abc1234',
  environmentId: 'def5678',
  profileId: 'ghi9012',
  flag: 'checkout',
  splitBy: 'userId',
  deploymentStrategyId: 'jkl3456',
};

/** A document with the flag, its last variant the default one, and another flag beside it. */
export const flagDocument = (...variants: readonly (readonly [name: string, rule?: string])[]) => ({
  version: '1',
  flags: { checkout: { name: 'Checkout' }, other: { name: 'Other' } },
  values: {
    checkout: {
      _variants: variants.map(([name, rule]) => ({
        name,
        enabled: name !== 'old',
        attributeValues: { label: name },
        ...(rule !== undefined && { rule }),
      })),
    },
    other: { enabled: true },
  },
});
