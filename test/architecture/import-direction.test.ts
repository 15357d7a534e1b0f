import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkImportDirection, describeViolation } from './import-direction.ts';

const repositoryRoot = path.resolve(import.meta.dirname, '..', '..');
const brokenTree = path.resolve(import.meta.dirname, '..', 'fixtures', 'import-direction');

/** `file:line rule` for every line of the tree that ends in `// breaks: <rule>`. */
function announced(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      readFileSync(path.join(root, name), 'utf8')
        .split('\n')
        .flatMap((text, index) => {
          const rule = /\/\/ breaks: (\S+)$/.exec(text)?.[1];
          return rule === undefined ? [] : [`${name.split(path.sep).join('/')}:${index + 1} ${rule}`];
        }),
    )
    .sort();
}

describe('the direction of imports', () => {
  it('is kept by this repository: decisions see no outside world, effects reach down only, outsiders know contracts', () => {
    expect(checkImportDirection(repositoryRoot).map(describeViolation)).toEqual([]);
  });

  it('is guarded: every line of the broken tree that breaks a rule is reported, and no other', () => {
    const reported = checkImportDirection(brokenTree).map(
      ({ file, line, rule }) => `${file}:${line} ${rule}`,
    );
    expect(reported.sort()).toEqual(announced(brokenTree));
  });

  it('has a broken line for every rule', () => {
    const rules = new Set(announced(brokenTree).map((line) => line.split(' ')[1]));
    expect([...rules].sort()).toEqual([
      'file-cycle',
      'functions-outward',
      'handler-imported',
      'impure-import',
      'impure-use',
      'infra-beyond-contracts',
      'outside-beyond-pure',
      'slice-order',
      'unknown-slice',
    ]);
  });

  it('tells a circle as the path around it', () => {
    const circle = checkImportDirection(brokenTree).find(({ rule }) => rule === 'file-cycle');
    expect(circle?.text).toBe(
      'functions/releases/circle-one.ts → functions/releases/circle-two.ts → functions/releases/circle-zwei.ts → functions/releases/circle-one.ts',
    );
  });
});
