import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from 'oxc-parser';
import { type ImpureUse, impureUses } from './impure-uses.ts';

export interface Import {
  /** As written. */
  readonly specifier: string;
  readonly line: number;
  /** Path from the root of the file that it means; undefined for packages and Node's own modules. */
  readonly file: string | undefined;
  /** The names taken from it; undefined when it is all of them (`* as`, `export *`, `import()`, for its effects). */
  readonly names: readonly string[] | undefined;
  /** Gone before anything runs. */
  readonly isTypeOnly: boolean;
}

export interface Module {
  /** Path from the root, with forward slashes. */
  readonly file: string;
  readonly imports: readonly Import[];
  readonly impureUses: readonly ImpureUse[];
}

/** Reads every TypeScript module under the folders. */
export function readModules(root: string, folders: readonly string[]): Module[] {
  const aliases = readAliases(root);
  return folders
    .filter((folder) => existsSync(path.join(root, folder)))
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /(?<!\.d)\.[cm]?tsx?$/.test(name))
        .map((name) => path.posix.join(folder, name.split(path.sep).join('/'))),
    )
    .sort()
    .map((file) => readModule(root, file, aliases));
}

function readModule(root: string, file: string, aliases: Aliases): Module {
  const source = readFileSync(path.join(root, file), 'utf8');
  const { program, module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file} can't be parsed: ${errors[0]?.message}`);
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length;
  const found = (
    specifier: string,
    offset: number,
    names: string[] | undefined,
    isTypeOnly: boolean,
  ): Import => ({
    specifier,
    line: lineAt(offset),
    file: resolve(file, specifier, aliases),
    names,
    isTypeOnly,
  });
  const imports: Import[] = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const isWhole = entries.length === 0 || entries.some(({ importName }) => importName.kind !== 'Name');
    const names = isWhole ? undefined : entries.map(({ importName }) => importName.name ?? '');
    imports.push(
      found(moduleRequest.value, start, names, entries.length > 0 && entries.every(({ isType }) => isType)),
    );
  }
  for (const { moduleRequest, importName, isType, start } of module.staticExports.flatMap(
    ({ entries }) => entries,
  )) {
    if (moduleRequest === null) continue;
    const names = importName.kind === 'Name' ? [importName.name ?? ''] : undefined;
    imports.push(found(moduleRequest.value, start, names, isType));
  }
  const { uses, indirectImports } = impureUses(program, lineAt);
  for (const { specifier, offset, isType } of indirectImports)
    imports.push(found(specifier, offset, undefined, isType));
  return { file, imports, impureUses: uses };
}

/** package.json `imports`, as prefix → folder: `#ledger/` → `functions/ledger/`. */
type Aliases = ReadonlyMap<string, string>;

function readAliases(root: string): Aliases {
  const { imports = {} }: { imports?: Record<string, string> } = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  );
  return new Map(
    Object.entries(imports).map(([alias, folder]) => [
      alias.replace(/\*$/, ''),
      path.posix.normalize(folder).replace(/\*$/, ''),
    ]),
  );
}

function resolve(from: string, specifier: string, aliases: Aliases): string | undefined {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(from), specifier);
  for (const [prefix, folder] of aliases) {
    if (specifier.startsWith(prefix)) return folder + specifier.slice(prefix.length);
  }
  return undefined;
}
