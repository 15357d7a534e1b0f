import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricDefinitionSchema } from '#policy/metric-definition.ts';
import { serviceEnvironmentSchema } from '#policy/service-definition.ts';
import { stageConfig } from '../../infra/config.ts';
import { checkoutTarget } from '../builders/release.ts';

const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json = '']) => JSON.parse(json));

/** Whatever stands in the page is copied as it is. */
const read = (example: Readonly<Record<string, unknown>>): unknown => {
  if ('source' in example) return metricDefinitionSchema.parse(example);
  if ('metrics' in example) return serviceEnvironmentSchema.parse({ target: checkoutTarget, ...example });
  return stageConfig('team', example);
};

describe('docs/metrics.md', () => {
  it.each(examples.map((example) => [JSON.stringify(example), example]))(
    'shows what can be copied: %s',
    (_, example) => {
      expect(() => read(example)).not.toThrow();
    },
  );
});
