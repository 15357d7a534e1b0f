/**
 * Who may import whom: the tables behind `import-direction.ts`. A new slice, contract or pure platform module is one line here.
 */

/** Effects (adapters, handlers, platform's runtime) may reach down this order, never up: so no circle can arise. */
export const SLICE_ORDER = ['platform', 'ledger', 'policy', 'capture', 'releases', 'rollout', 'api'] as const;

/** Modules of functions/platform without clock, environment, SDK or logging; every slice's decisions may use them. */
export const PURE_PLATFORM_MODULES: readonly string[] = [
  'actor.ts',
  'claims.ts',
  'cursor.ts',
  'digest.ts',
  'errors.ts',
  'faults.ts',
  'ids.ts',
  'json-faults.ts',
  'metric-names.ts',
  'page.ts',
  'problem.ts',
  'route.ts',
  'task.ts',
  'text.ts',
];

/** Packages that decisions may use: deterministic, and nothing but their arguments go in. */
export const PURE_PACKAGES: readonly string[] = ['zod', 'canonicalize'];

/** Node's own functions that are pure, by module. Everything else of `node:` is the outside world. */
export const PURE_NODE_FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  // Checking a signature gives the same answer every time; making one is not for decisions.
  'node:crypto': [
    'createHash',
    'createHmac',
    'createPublicKey',
    'hash',
    'KeyObject',
    'timingSafeEqual',
    'verify',
  ],
};

/** What infra may know of the functions: the contracts, never the code behind them. */
export const CONTRACT_FILES: readonly RegExp[] = [
  /^([a-z-]+-)?routes?\.ts$/,
  /^tasks?\.ts$/,
  /^metric-names\.ts$/,
  /^event-types\.ts$/,
  /schema.*\.ts$/,
  /^keys\.ts$/,
  /^environment\.ts$/,
];

/** Folders beside functions/ whose imports are checked. */
export const OUTER_FOLDERS = ['infra', 'cli', 'local', 'bench'] as const;

/** The one command that works without the stack moves traffic itself, with what the stack moves it with. */
export const BY_ITSELF: Readonly<Record<string, string>> = {
  'cli/rescue.ts': 'functions/rollout/adapters/shifter-for.ts',
  // What it measures is the adapter: the transactions, and the waits of those that meet.
  'bench/ledger/appends.ts': 'functions/ledger/adapters/dynamodb-ledger.ts',
};

/** Folders that functions must not import: they depend on the functions, or exist only on a developer's machine. */
export const OUTWARD_FOLDERS: readonly string[] = [...OUTER_FOLDERS, 'test', 'dashboard'];

export type Layer = 'handler' | 'adapter' | 'runtime' | 'pure';

/** A place in the tree, as far as the rules are concerned. */
export type Place =
  | { readonly in: 'functions'; readonly slice: string; readonly layer: Layer; readonly fileName: string }
  | { readonly in: 'outside'; readonly folder: string };

/** @param file path from the repository's root, with forward slashes */
export function placeOf(file: string): Place {
  const [folder = '', slice = '', ...rest] = file.split('/');
  if (folder !== 'functions') return { in: 'outside', folder };
  const fileName = rest.at(-1) ?? '';
  return { in: 'functions', slice, layer: layerOf(slice, rest, fileName), fileName };
}

function layerOf(slice: string, below: readonly string[], fileName: string): Layer {
  if (fileName.endsWith('.handler.ts')) return 'handler';
  if (below[0] === 'adapters') return 'adapter';
  if (slice === 'platform' && !PURE_PLATFORM_MODULES.includes(below.join('/'))) return 'runtime';
  return 'pure';
}

export const isContract = (fileName: string): boolean => CONTRACT_FILES.some((form) => form.test(fileName));
