import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  flagDocumentSchema,
  flagRouting,
  foreignRules,
  variantsOf,
  withSplit,
} from '#rollout/flag-document.ts';
import { isAlone, isAt } from '#rollout/routing.ts';
import { flagDocument, flagTarget } from '../builders/appconfig.ts';

const NEVER = '(split by::$userId pct::0)';
const document = flagDocumentSchema.parse(flagDocument(['new', NEVER], ['next', NEVER], ['old']));
const routingOf = (one: typeof document) => ({
  ...flagRouting(variantsOf(one, flagTarget) ?? [], flagTarget),
  revision: '',
});

describe('the split of a feature flag', () => {
  it('is read back as it was written, whatever it was before', () => {
    const names = ['new', 'next', 'old'] as const;
    const split = fc.record({
      pair: fc.shuffledSubarray([...names], { minLength: 2, maxLength: 2 }),
      weightPercent: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(split, split, (first, second) => {
        const written = [first, second].reduce(
          (one, { pair: [primary = '', canary = ''], weightPercent }) =>
            withSplit(one, flagTarget, { primary, canary, weightPercent }),
          document,
        );
        const [stable = '', canary = ''] = second.pair;
        const weight = { stable, canary, weightPercent: second.weightPercent };
        expect(isAt(routingOf(written), weight)).toBe(true);
        expect(foreignRules(variantsOf(written, flagTarget) ?? [], flagTarget)).toEqual([]);
      }),
    );
  });

  it('has the default variant last and without a rule, or AppConfig refuses it', () => {
    const variants = variantsOf(
      withSplit(document, flagTarget, { primary: 'new', canary: 'old', weightPercent: 5 }),
      flagTarget,
    );
    expect(variants?.at(-1)).toEqual({ name: 'new', enabled: true, attributeValues: { label: 'new' } });
    expect(variants?.map(({ rule }) => rule !== undefined)).toEqual([true, true, false]);
  });

  it('changes nothing else of the document', () => {
    const written = withSplit(document, flagTarget, { primary: 'old', canary: 'new', weightPercent: 5 });
    const without = (one: typeof document) =>
      JSON.parse(JSON.stringify(one, (key, value) => (key === 'rule' ? undefined : value)));
    expect(without(written)).toEqual(without(document));
  });

  it('keeps who has the new version when the weight rises: one seed, the flag itself', () => {
    for (const weightPercent of [1, 50, 99]) {
      const written = withSplit(document, flagTarget, { primary: 'old', canary: 'new', weightPercent });
      expect(variantsOf(written, flagTarget)?.[0]?.rule).toBe(
        `(split by::$userId pct::${weightPercent} seed::"checkout")`,
      );
    }
  });

  it('of nobody and of everybody needs no split that AppConfig might not take', () => {
    const rules = [0, 100].map(
      (weightPercent) =>
        variantsOf(
          withSplit(document, flagTarget, { primary: 'old', canary: 'new', weightPercent }),
          flagTarget,
        )?.[0]?.rule,
    );
    expect(rules).toEqual([
      '(and (eq $userId "") (not (eq $userId "")))',
      '(not (and (eq $userId "") (not (eq $userId ""))))',
    ]);
  });

  it('is told from rules that are no split, or by another key', () => {
    const variants = variantsOf(
      flagDocumentSchema.parse(
        flagDocument(
          ['a', '(eq $country "DE")'],
          ['b', '(split by::$accountId pct::5)'],
          ['c', '(split by::$userId pct::5 seed::"x")'],
          ['d', ''],
        ),
      ),
      flagTarget,
    );
    expect(foreignRules(variants ?? [], flagTarget)).toEqual(['a', 'b']);
  });

  it('is alone when every other variant is for nobody', () => {
    expect(isAlone(routingOf(document), 'old')).toBe(true);
    expect(variantsOf(document, { ...flagTarget, flag: 'constructor' })).toBeUndefined();
    expect(variantsOf(document, { ...flagTarget, flag: 'other' })).toBeUndefined();
  });
});
