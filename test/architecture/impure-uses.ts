import type { Node, Program } from 'oxc-parser';

/** A reading of the outside world without an import: clock, randomness, environment, network, console. */
export interface ImpureUse {
  readonly what: string;
  readonly line: number;
}

/** An import that is an expression or a type: `await import('…')`, `import('…').Name`. */
interface IndirectImport {
  readonly specifier: string;
  readonly offset: number;
  readonly isType: boolean;
}

/** Globals whose every use is impure, unless a module declares a name of its own like it. */
const IMPURE_GLOBALS = new Set([
  'process',
  'performance',
  'crypto',
  'fetch',
  'console',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'globalThis',
]);
const IMPURE_MEMBERS = new Set(['Date.now', 'Math.random', 'Temporal.Now']);

/** One walk over a module's syntax tree. */
export function impureUses(program: Program, lineAt: (offset: number) => number) {
  const uses: ImpureUse[] = [];
  const indirectImports: IndirectImport[] = [];
  const use = (what: string, node: Node) => uses.push({ what, line: lineAt(node.start) });

  walk(program, (node, parent, key) => {
    switch (node.type) {
      case 'ImportExpression':
      case 'TSImportType': {
        const source = node.source;
        // A computed import could reach anything.
        const specifier =
          source.type === 'Literal' && typeof source.value === 'string' ? source.value : '(computed)';
        indirectImports.push({ specifier, offset: node.start, isType: node.type === 'TSImportType' });
        break;
      }
      case 'MemberExpression': {
        const name = node.object.type === 'Identifier' ? `${node.object.name}.${propertyName(node)}` : '';
        if (IMPURE_MEMBERS.has(name)) use(name, node);
        break;
      }
      case 'NewExpression':
        if (isIdentifier(node.callee, 'Date') && node.arguments.length === 0) use('new Date()', node);
        break;
      case 'CallExpression':
        if (isIdentifier(node.callee, 'Date')) use('Date()', node);
        break;
      case 'Identifier':
        if (IMPURE_GLOBALS.has(node.name) && isReference(parent, key)) use(node.name, node);
        break;
    }
  });
  return { uses, indirectImports };
}

const isIdentifier = (node: Node, name: string): boolean => node.type === 'Identifier' && node.name === name;

function propertyName(node: Extract<Node, { type: 'MemberExpression' }>): string {
  if (node.property.type === 'Identifier' && !node.computed) return node.property.name;
  return node.property.type === 'Literal' ? String(node.property.value) : '';
}

/** Not a property's or key's name that happens to read like a global: `event.process`, `{ console: 1 }`. */
function isReference(parent: Node | undefined, key: string): boolean {
  if (parent === undefined) return true;
  if (parent.type === 'MemberExpression') return key === 'object' || parent.computed;
  if (parent.type === 'Property' || parent.type === 'PropertyDefinition')
    return key === 'value' || parent.computed;
  if (
    /^TS/.test(parent.type) &&
    parent.type !== 'TSAsExpression' &&
    parent.type !== 'TSSatisfiesExpression'
  ) {
    return parent.type === 'TSNonNullExpression';
  }
  return parent.type !== 'MethodDefinition';
}

type Visit = (node: Node, parent: Node | undefined, key: string) => void;

function walk(node: Node, visit: Visit, parent?: Node, key = ''): void {
  visit(node, parent, key);
  for (const [childKey, child] of Object.entries(node)) {
    for (const item of Array.isArray(child) ? child : [child]) {
      if (isNode(item)) walk(item, visit, node, childKey);
    }
  }
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
