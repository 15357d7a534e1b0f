#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerAudit } from './audit.ts';
import { registerExperiment } from './experiment.ts';
import { Failure } from './failure.ts';
import { registerJudge } from './judge.ts';
import { registerRescue } from './rescue.ts';

const program = new Command('sluice')
  .description('Deployment governance for AWS: releases, approvals, evidence.')
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 what was asked about failed; 2 wrong usage or input; 3 not allowed or unreachable.',
  )
  .exitOverride();
registerAudit(program);
registerJudge(program);
registerExperiment(program);
registerRescue(program);

// Whoever reads our output may stop early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message by now; help and version end with 0.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof Failure) {
    console.error(`sluice: ${error.message}`);
    process.exitCode = error.exitCode;
  } else throw error;
}
