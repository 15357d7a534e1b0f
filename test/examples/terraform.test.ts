import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseToObject } from 'hcl2-parser';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

const FOLDER = path.join(import.meta.dirname, '..', '..', 'examples', 'terraform');

const fileSchema = z.object({
  resource: z.record(z.string(), z.record(z.string(), z.array(z.record(z.string(), z.unknown())))),
});

/** The parser gives what it read, or null for what is no HCL. */
const read = (text: string): unknown => parseToObject(text)[0];
const resourcesOf = (file: string) =>
  fileSchema.parse(read(readFileSync(path.join(FOLDER, file), 'utf8'))).resource;

const only = (file: string, type: string, name: string): Readonly<Record<string, unknown>> => {
  const [resource, ...others] = resourcesOf(file)[type]?.[name] ?? [];
  expect(others).toEqual([]);
  return resource ?? expect.fail(`no ${type}.${name} in ${file}`);
};

describe('the Terraform examples', () => {
  it('are HCL, by a parser that refuses what is none', () => {
    expect(read('resource "a" {')).toBeNull();
  });

  it('publish versions, and leave version and weights of the alias alone', () => {
    expect(only('lambda.tf', 'aws_lambda_function', 'checkout')).toMatchObject({ publish: true });
    expect(only('lambda.tf', 'aws_lambda_alias', 'live')).toMatchObject({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: how the parser tells an expression.
      lifecycle: [{ ignore_changes: ['${function_version}', '${routing_config}'] }],
    });
  });

  it('leave the action of the listener rule alone, and name the idle group in it', () => {
    expect(only('alb.tf', 'aws_lb_listener_rule', 'shop')).toMatchObject({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: how the parser tells an expression.
      lifecycle: [{ ignore_changes: ['${action}'] }],
      action: [{ type: 'forward', forward: [{ target_group: [{ weight: 100 }, { weight: 0 }] }] }],
    });
  });
});
