import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { localEnvironment, NO_ENDPOINT } from '../local/credentials.ts';
import { LocalSetupError } from '../local/endpoint.ts';
import { runCommand } from '../local/run-command.ts';

/** A cold start reads and compiles the whole bundle; most of it is the AWS SDK and zod. */
const AIM_KB = 400;

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Metadata: z.record(z.string(), z.unknown()).optional() }),
  ),
});

interface Bundle {
  readonly name: string;
  readonly kilobytes: number;
}

/** Prints the size of every function's code as it is uploaded, without source maps, largest first. */
export async function run(): Promise<void> {
  const assembly = mkdtempSync(path.join(tmpdir(), 'sluice-bundles-'));
  try {
    const args = ['synth', '--quiet', '--no-notices', '--context', 'stage=team', '--output', assembly];
    const { code, output } = await runCommand('cdk', args, localEnvironment(NO_ENDPOINT));
    if (code !== 0) throw new LocalSetupError(`cdk synth failed:\n${output}`);
    print(readBundles(assembly));
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

export function readBundles(assembly: string): Bundle[] {
  return globSync(path.join(assembly, '**', '*.template.json'))
    .flatMap((file) => Object.values(templateSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).Resources))
    .flatMap(({ Type, Metadata }) => {
      const asset = Metadata?.['aws:asset:path'];
      if (Type !== 'AWS::Lambda::Function' || typeof asset !== 'string') return [];
      return [
        {
          name: nameOf(String(Metadata?.['aws:cdk:path'])),
          kilobytes: codeBytes(path.join(assembly, asset)) / 1024,
        },
      ];
    })
    .sort((a, b) => b.kilobytes - a.kilobytes);
}

function print(bundles: readonly Bundle[]): void {
  const width = Math.max(...bundles.map(({ name }) => name.length));
  for (const { name, kilobytes } of bundles) {
    const remark = kilobytes > AIM_KB ? `  over the aim of ${AIM_KB} KB` : '';
    console.log(`${name.padEnd(width)}  ${kilobytes.toFixed(0).padStart(5)} KB${remark}`);
  }
}

/** `Sluice/Rollout/JudgeHealth/Function/Resource` → `Rollout/JudgeHealth`. */
const nameOf = (cdkPath: string): string =>
  cdkPath
    .split('/')
    .slice(1)
    .filter((part) => part !== 'Function' && part !== 'Resource')
    .join('/');

const codeBytes = (asset: string): number =>
  globSync(path.join(asset, '**', '*.{mjs,js,cjs}')).reduce((sum, file) => sum + statSync(file).size, 0);
