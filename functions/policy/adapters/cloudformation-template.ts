import { type CollectionTag, type ParsedNode, parseDocument, type ScalarTag, type Tags } from 'yaml';
import * as z from 'zod';
import type { TemplateResource } from '#policy/managed-attribute.ts';

const templateSchema = z.object({ Resources: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** CloudFormation's short forms (User Guide, "Intrinsic function reference"): `!Ref x` is `{ Ref: x }`. */
const SHORT_FORMS = [
  'And',
  'Base64',
  'Cidr',
  'Condition',
  'Equals',
  'FindInMap',
  'GetAtt',
  'GetAZs',
  'If',
  'ImportValue',
  'Join',
  'Length',
  'Not',
  'Or',
  'Ref',
  'Select',
  'Split',
  'Sub',
  'ToJsonString',
  'Transform',
] as const;

const longForm = (name: string): string => (name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`);

/** One for each kind of node that a short form may stand before. */
const SHORT_FORM_TAGS: Tags = SHORT_FORMS.flatMap((name) => {
  const tag = `!${name}`;
  const resolve = (value: unknown) => ({
    [longForm(name)]: typeof value === 'string' ? value : (value as ParsedNode).toJSON(),
  });
  const scalar: ScalarTag = { tag, resolve };
  const seq: CollectionTag = { tag, collection: 'seq', resolve };
  const map: CollectionTag = { tag, collection: 'map', resolve };
  return [scalar, seq, map];
});

/**
 * The resources of a template, in JSON or YAML, with intrinsic functions in their long form.
 * @throws when it is no template.
 */
export const templateResources = (body: string): Readonly<Record<string, TemplateResource>> => {
  // JSON is YAML too; a template may hold hundreds of aliases to one anchor only if it means harm.
  const document = parseDocument(body, { customTags: SHORT_FORM_TAGS, logLevel: 'silent' });
  // A short form that is not known here would read as the text behind it, and a computed value as a stated one.
  const [trouble] = [...document.errors, ...document.warnings];
  if (trouble !== undefined) throw trouble;
  return templateSchema.parse(document.toJS({ maxAliasCount: 100 })).Resources;
};
