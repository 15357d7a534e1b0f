import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type StageConfig, stageConfig } from '../../infra/config.ts';
import { SluiceStack } from '../../infra/sluice-stack.ts';

export const ROOT = path.join(import.meta.dirname, '..', '..');

const { context } = JSON.parse(readFileSync(path.join(ROOT, 'cdk.json'), 'utf8'));

/** A resource of a template, as CloudFormation gets it. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties are as many shapes as there are resource types.
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

/** The whole stack of a stage, with the CDK's feature flags of cdk.json and without bundled code. */
export class Synthesized {
  readonly config: StageConfig;
  readonly stack: SluiceStack;
  readonly resources: Readonly<Record<string, Resource>>;

  constructor(stage: StageConfig['stage'], overrides: Readonly<Record<string, unknown>> = {}) {
    this.config = stageConfig(stage, overrides);
    const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } });
    this.stack = new SluiceStack(app, 'Sluice', { config: this.config });
    this.resources = Template.fromStack(this.stack).toJSON().Resources;
  }

  /** Resources of a type, with their logical ids. */
  all(type: string): readonly (Resource & { readonly id: string })[] {
    return Object.entries(this.resources).flatMap(([id, resource]) =>
      resource.Type === type ? [{ ...resource, id }] : [],
    );
  }

  /** The function behind a published version, a function, or an ARN that names one of them. */
  functionBehind(reference: unknown): Resource & { readonly id: string } {
    const [id = ''] = referencesIn(reference).filter((to) =>
      this.resources[to]?.Type.startsWith('AWS::Lambda::'),
    );
    const resource = this.resources[id];
    if (resource?.Type === 'AWS::Lambda::Version')
      return this.functionBehind(resource.Properties.FunctionName);
    if (resource?.Type !== 'AWS::Lambda::Function')
      throw new Error(`no function of the stack: ${JSON.stringify(reference)}`);
    return { ...resource, id };
  }
}

/** Logical ids that an intrinsic, or anything with intrinsics in it, refers to. */
export const referencesIn = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') return [String(inner)];
    if (key === 'Fn::GetAtt') return [String(Array.isArray(inner) ? inner[0] : String(inner).split('.')[0])];
    if (key === 'Fn::Sub')
      return [...JSON.stringify(inner).matchAll(/\$\{([A-Za-z0-9]+)/g)].map(([, id]) => id ?? '');
    return referencesIn(inner);
  });
};
