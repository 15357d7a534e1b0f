import { readFileSync } from 'node:fs';
import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { stageConfig } from './config.ts';
import { SluiceStack } from './sluice-stack.ts';

const app = new App();

/** `-c stage=local|team`, and `-c config=FILE` with JSON settings on top of the stage's defaults. */
const stage = app.node.tryGetContext('stage') ?? 'team';
const file = app.node.tryGetContext('config') as string | undefined;
const config = stageConfig(stage, file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8')));

const stack = new SluiceStack(app, 'Sluice', {
  config,
  description: 'Sluice: deployment governance for AWS.',
});
Tags.of(stack).add('application', 'sluice');
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
