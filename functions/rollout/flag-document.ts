import * as z from 'zod';
import type { Routing } from '#rollout/traffic-shifter.ts';

/** One variant of a multi-variant flag; what it gives callers is the team's own and stays as it is. */
const variantSchema = z.looseObject({ name: z.string(), rule: z.string().optional() });

/** As much of a document of type AWS.AppConfig.FeatureFlags as a split needs. */
export const flagDocumentSchema = z.looseObject({
  values: z
    .record(z.string(), z.looseObject({ _variants: z.array(variantSchema).min(1).optional() }))
    .optional(),
});
export type FlagDocument = z.infer<typeof flagDocumentSchema>;
type Variant = z.infer<typeof variantSchema>;

interface FlagName {
  readonly flag: string;
  /** The key of the callers' context that they are told apart by. */
  readonly splitBy: string;
}

/**
 * Rules are tried in order, and the last variant, which has none, is what everyone else gets. A rule for nobody and one
 * for everybody are written out of operators that AppConfig documents; that it takes splits of 0 and of 100 it doesn't
 * say. The seed keeps one flag's share of callers apart from another's; with it who has the new version at one weight
 * has it at every greater one.
 */
const ruleFor = ({ flag, splitBy }: FlagName, weightPercent: number): string => {
  const never = `(and (eq $${splitBy} "") (not (eq $${splitBy} "")))`;
  if (weightPercent === 0) return never;
  if (weightPercent === 100) return `(not ${never})`;
  return `(split by::$${splitBy} pct::${weightPercent} seed::"${flag}")`;
};

const SPLIT = /^\(split by::\$([A-Za-z]\w*) pct::(\d{1,3}(?:\.\d+)?)(?: seed::"[^"]*")?\)$/;

/** The share of callers that a rule picks; undefined for a rule that is no split. */
const weightOf = (named: FlagName, rule: string): number | undefined => {
  for (const weightPercent of [0, 100]) if (rule === ruleFor(named, weightPercent)) return weightPercent;
  const [, by, percent] = SPLIT.exec(rule) ?? [];
  return by === named.splitBy ? Number(percent) : undefined;
};

/** The default variant has no rule; consoles write an empty one. */
const isDefault = ({ rule = '' }: Variant): boolean => rule === '';

/** The flag's variants, the default one last; undefined when there is no such flag or it has none. */
export const variantsOf = (document: FlagDocument, { flag }: FlagName): readonly Variant[] | undefined =>
  Object.hasOwn(document.values ?? {}, flag) ? document.values?.[flag]?._variants : undefined;

/** The variants whose rules are not splits: whom they pick can't be told. */
export const foreignRules = (variants: readonly Variant[], named: FlagName): readonly string[] =>
  variants
    .filter((variant) => !isDefault(variant) && weightOf(named, variant.rule ?? '') === undefined)
    .map(({ name }) => name);

/** Whom a rule picks that is no split can't be told: as far as anyone knows, everybody. */
const FOREIGN_PERCENT = 100;

/** Where callers go. Of several splits by one key, each gets what is beyond the one before. */
export const flagRouting = (
  variants: readonly Variant[],
  named: FlagName,
): Pick<Routing, 'primary' | 'weights'> => {
  const primary = variants.find(isDefault)?.name ?? '';
  const weights = variants
    .filter((variant) => !isDefault(variant))
    .map(({ name, rule = '' }) => [name, weightOf(named, rule) ?? FOREIGN_PERCENT] as const)
    .filter(([, weight]) => weight > 0);
  return { primary, weights: Object.fromEntries(weights) };
};

/** The document with this split, and nothing else changed in it. */
export const withSplit = (
  document: FlagDocument,
  named: FlagName,
  {
    primary,
    canary,
    weightPercent,
  }: { readonly primary: string; readonly canary: string; readonly weightPercent: number },
): FlagDocument => {
  const variants = variantsOf(document, named) ?? [];
  const ruled = variants
    .filter(({ name }) => name !== primary)
    .map((variant) => ({
      ...variant,
      rule: ruleFor(named, variant.name === canary ? weightPercent : 0),
    }));
  const last = variants
    .filter(({ name }) => name === primary)
    .map(({ rule: _rule, ...variant }) => variant as Variant);
  const { flag } = named;
  return {
    ...document,
    values: { ...document.values, [flag]: { ...document.values?.[flag], _variants: [...ruled, ...last] } },
  };
};
