import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LocalSetupError } from '../local/endpoint.ts';

/** What a file of this directory exports to be a benchmark: `npm run bench -- <its name> [arguments]`. */
interface Benchmark {
  run(args: readonly string[]): Promise<void>;
}

/** The rest of the directory is what the benchmarks share. */
const isBenchmark = (file: string): boolean =>
  /^export (async function|const) run\b/m.test(readFileSync(path.join(import.meta.dirname, file), 'utf8'));

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && isBenchmark(file))
  .map((file) => path.basename(file, '.ts'))
  .sort();
const [name = '', ...args] = process.argv.slice(2);

if (names.includes(name)) {
  const benchmark: Benchmark = await import(`./${name}.ts`);
  await benchmark.run(args).catch((error: unknown) => {
    console.error(error instanceof LocalSetupError ? error.message : error);
    process.exitCode = 1;
  });
} else {
  console.error(`Which one? npm run bench -- ${names.join(' | ')}`);
  process.exitCode = 1;
}
