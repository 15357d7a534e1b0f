import { findCycles } from './cycles.ts';
import {
  BY_ITSELF,
  isContract,
  OUTER_FOLDERS,
  OUTWARD_FOLDERS,
  type Place,
  PURE_NODE_FUNCTIONS,
  PURE_PACKAGES,
  placeOf,
  SLICE_ORDER,
} from './layers.ts';
import { type Import, type Module, readModules } from './module-facts.ts';

export type Rule =
  | 'handler-imported'
  | 'impure-import'
  | 'impure-use'
  | 'slice-order'
  | 'unknown-slice'
  | 'file-cycle'
  | 'infra-beyond-contracts'
  | 'outside-beyond-pure'
  | 'functions-outward';

export interface Violation {
  readonly rule: Rule;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Checks the whole tree under `root` against `layers.ts`; an empty list is a sound tree. */
export function checkImportDirection(root: string): Violation[] {
  const modules = readModules(root, ['functions', ...OUTER_FOLDERS]);
  return [...modules.flatMap(checkModule), ...cycleViolations(modules)];
}

export const describeViolation = ({ rule, file, line, text }: Violation): string =>
  `${file}:${line} ${rule}: ${text}`;

function checkModule(module: Module): Violation[] {
  const place = placeOf(module.file);
  const violation = (rule: Rule, line: number, text: string): Violation => ({
    rule,
    file: module.file,
    line,
    text,
  });
  const violations: Violation[] = [];
  if (place.in === 'functions' && sliceRank(place.slice) === -1) {
    violations.push(violation('unknown-slice', 1, `place the slice "${place.slice}" in SLICE_ORDER`));
  }
  for (const imported of module.imports) {
    const broken = brokenRule(module.file, place, imported);
    if (broken !== undefined) violations.push(violation(broken.rule, imported.line, broken.text));
  }
  if (place.in === 'functions' && place.layer === 'pure') {
    for (const { what, line } of module.impureUses) {
      violations.push(
        violation(
          'impure-use',
          line,
          `${what}: take it as an argument; adapters and handlers read the world`,
        ),
      );
    }
  }
  return violations;
}

interface Broken {
  readonly rule: Rule;
  readonly text: string;
}

/** The first rule that an import breaks; one reason at a time is enough to act on. */
function brokenRule(file: string, from: Place, imported: Import): Broken | undefined {
  const to = imported.file === undefined ? undefined : placeOf(imported.file);
  if (to?.in === 'functions' && to.layer === 'handler') {
    return {
      rule: 'handler-imported',
      text: `${imported.specifier} is a Lambda entry; move what is shared out of it`,
    };
  }
  if (from.in === 'outside') {
    const permitted = BY_ITSELF[file] !== undefined && BY_ITSELF[file] === imported.file;
    return to?.in === 'functions' && !permitted ? brokenFromOutside(from.folder, to, imported) : undefined;
  }
  if (to?.in === 'outside' && OUTWARD_FOLDERS.includes(to.folder)) {
    return { rule: 'functions-outward', text: `functions must not depend on ${to.folder}/` };
  }
  if (from.layer === 'pure') return brokenFromPure(from.slice, to, imported);
  if (to?.in === 'functions' && sliceRank(to.slice) > sliceRank(from.slice)) {
    return { rule: 'slice-order', text: `effects of ${from.slice} may not reach up into ${to.slice}` };
  }
  return undefined;
}

type InFunctions = Extract<Place, { in: 'functions' }>;

function brokenFromOutside(folder: string, to: InFunctions, { specifier }: Import): Broken | undefined {
  if (folder === 'infra') {
    const text = `infra knows contracts only, and ${specifier} is none (CONTRACT_FILES)`;
    return isContract(to.fileName) ? undefined : { rule: 'infra-beyond-contracts', text };
  }
  const text = `${folder}/ may use decisions and contracts, not ${to.layer === 'runtime' ? "platform's runtime" : 'adapters'}`;
  return to.layer === 'pure' ? undefined : { rule: 'outside-beyond-pure', text };
}

function brokenFromPure(slice: string, to: Place | undefined, imported: Import): Broken | undefined {
  if (to?.in === 'functions') {
    if (to.layer !== 'pure') return { rule: 'impure-import', text: `${imported.specifier} is not pure` };
    const text = "platform is everybody's ground and knows no slice";
    return slice === 'platform' && to.slice !== 'platform' ? { rule: 'slice-order', text } : undefined;
  }
  const { specifier, names } = imported;
  if (PURE_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return undefined;
  const pureNames = PURE_NODE_FUNCTIONS[specifier];
  if (pureNames !== undefined && names?.every((name) => pureNames.includes(name))) return undefined;
  const only = pureNames === undefined ? '' : `; of it, only ${pureNames.join(', ')} by name`;
  return { rule: 'impure-import', text: `${specifier} is not for decisions${only}` };
}

const sliceRank = (slice: string): number => (SLICE_ORDER as readonly string[]).indexOf(slice);

function cycleViolations(modules: readonly Module[]): Violation[] {
  const graph = new Map(
    modules.map(({ file, imports }) => [file, imports.flatMap((imported) => imported.file ?? [])]),
  );
  return findCycles(graph).map((cycle) => {
    const [file = '', next = file] = cycle;
    const line =
      modules.find((module) => module.file === file)?.imports.find((found) => found.file === next)?.line ?? 1;
    return { rule: 'file-cycle', file, line, text: [...cycle, file].join(' → ') };
  });
}
