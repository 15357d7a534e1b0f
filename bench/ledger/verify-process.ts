import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import * as z from 'zod';
import { repositoryRoot } from '../../local/paths.ts';

const usageSchema = z.object({ maxRSS: z.number(), userCPUTime: z.number(), systemCPUTime: z.number() });

/** Runs in the command's own process, before it: says at its end what it took. */
const TELL_USAGE = `data:text/javascript,process.on('exit',()=>console.error(JSON.stringify(process.resourceUsage())))`;

export interface VerifyRun {
  readonly seconds: number;
  /** By the processor's clock, on whatever cores: what one core would take with nothing else to do. */
  readonly coreSeconds: number;
  readonly peakBytes: number;
}

/** `sluice audit verify` of an export, in a process of its own, its start included. */
export const runVerify = async (directory: string, vkey: string): Promise<VerifyRun> => {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...['--import', TELL_USAGE, path.join(repositoryRoot, 'cli', 'sluice.mjs')],
      ...['audit', 'verify', '--export', directory, '--key', vkey, '--json'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [said, usage] = ['', ''];
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  child.stderr.on('data', (chunk) => {
    usage += chunk;
  });
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - began) / 1_000;
  if (code !== 0) throw new Error(`the export did not verify: ${said}${usage}`);
  const { maxRSS, userCPUTime, systemCPUTime } = usageSchema.parse(JSON.parse(usage));
  return { seconds, coreSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: 1_024 * maxRSS };
};
