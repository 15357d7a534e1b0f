import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..', '..');
const TREE = /^(infra|functions|statemachines|local|cli|bench|test|docs|examples)\/[\w./*-]+$/;

const documents = globSync(['README.md', 'docs/**/*.md', 'examples/*.md'], { cwd: ROOT }).toSorted();

/** What a document says in backticks, one `a.ts` after another of the same directory included. */
const pathsIn = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    let directory = '';
    return [...line.matchAll(/`([^`\s]+)`/g)].flatMap(([, said = '']) => {
      if (TREE.test(said)) {
        directory = path.dirname(said);
        return [said];
      }
      const isNeighbour = directory !== '' && /^[\w-]+(\.[\w-]+)*\.(ts|json|md)$/.test(said);
      return isNeighbour ? [path.join(directory, said)] : [];
    });
  });

const linksIn = (text: string): readonly string[] =>
  [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].flatMap(([, target = '']) =>
    /^[a-z]+:/.test(target) ? [] : [target],
  );

describe.each(documents)('%s', (document) => {
  const text = readFileSync(path.join(ROOT, document), 'utf8');

  it('names files that there are', () => {
    const missing = pathsIn(text).filter((named) => globSync(named, { cwd: ROOT }).length === 0);
    expect(missing).toEqual([]);
  });

  it('leads to documents that there are', () => {
    const missing = linksIn(text).filter(
      (target) => !existsSync(path.join(ROOT, path.dirname(document), target)),
    );
    expect(missing).toEqual([]);
  });
});

it('docs/architecture.md names every file that makes alarms', () => {
  const text = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
  const [row = ''] = text.split('\n').filter((line) => line.startsWith('| alarms |'));
  const making = globSync('infra/constructs/*.ts', { cwd: ROOT }).filter((file) =>
    /^\s+ownedAlarms\(/m.test(readFileSync(path.join(ROOT, file), 'utf8')),
  );
  expect(
    pathsIn(row)
      .filter((named) => named.startsWith('infra/'))
      .toSorted(),
  ).toEqual(making.toSorted());
});
