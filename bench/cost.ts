import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { experimentSettingsSchema } from '#policy/experiment-schema.ts';
import { planOf, planOfExperiment } from '#policy/plan.ts';
import { stageConfig } from '../infra/config.ts';
import { SluiceStack } from '../infra/sluice-stack.ts';
import { repositoryRoot } from '../local/paths.ts';
import { countExperiment } from './cost/experiment.ts';
import { idleMonth } from './cost/idle-month.ts';
import { billOf, PRICES, PRICES_OF, totalOf, type Usage } from './cost/prices.ts';
import { countRelease } from './cost/standard-release.ts';

/** The team stage's resources, without bundling any code. */
const teamResources = () => {
  const { context } = JSON.parse(readFileSync(path.join(repositoryRoot, 'cdk.json'), 'utf8'));
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } });
  const stack = new SluiceStack(app, 'Sluice', { config: stageConfig('team') });
  return Template.fromStack(stack).toJSON().Resources;
};

const print = (title: string, usage: Usage, unit: 'cents' | 'dollars'): void => {
  const money = (dollars: number) =>
    unit === 'cents' ? `${(100 * dollars).toFixed(3)} ¢` : `$${dollars.toFixed(3)}`;
  console.log(`\n${title}: ${money(totalOf(usage))}`);
  for (const { what, amount, dollars } of billOf(usage)) {
    const count = amount >= 10 ? Math.round(amount).toLocaleString('en-US') : amount.toPrecision(2);
    console.log(`  ${money(dollars).padStart(9)}  ${count.padStart(9)} ${PRICES[what].unit}`);
  }
};

const TWO_WEEKS = experimentSettingsSchema.parse({
  goal: 'orders',
  horizon: { seconds: 1_209_600 },
  split: { by: 'cookie' },
});

/** Prints what a standard release and an idle month cost, line by line. */
export async function run(): Promise<void> {
  console.log(`List prices of us-east-1, written down on ${PRICES_OF}, without free tiers.`);
  for (const name of ['standard', 'rapid'] as const) {
    const { usage, looks, records } = countRelease(planOf(name));
    print(`A release by plan ${name} (${looks} looks, ${records} records)`, usage, 'cents');
  }
  const { usage, looks, records } = countExperiment(planOfExperiment('standard', TWO_WEEKS, 60));
  print(`An experiment of two weeks (${looks} looks, ${records} records)`, usage, 'dollars');
  print('An idle month', idleMonth(teamResources()), 'dollars');
}
