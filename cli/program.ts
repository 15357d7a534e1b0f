import { Command } from 'commander';
import { registerAudit } from './audit.ts';
import { registerDoctor } from './doctor.ts';
import { registerEnvironment } from './environment.ts';
import { registerExperiment } from './experiment.ts';
import { registerFlags } from './flags.ts';
import { registerJudge } from './judge.ts';
import { registerLogin } from './login.ts';
import { registerRelease } from './release.ts';
import { registerRescue } from './rescue.ts';
import { registerRollback } from './rollback.ts';
import { registerService } from './service.ts';

/** Every command of `sluice`. */
export const sluiceProgram = (): Command => {
  const program = new Command('sluice')
    .description('Deployment governance for AWS: releases, approvals, evidence.')
    .option('--api <url>', 'the API to talk to (default: SLUICE_API, or where you signed in last)')
    .addHelpText(
      'after',
      `
In a pipeline: SLUICE_API and SLUICE_TOKEN, an access token, in place of signing in.
Exit codes: 0 done; 1 what was asked about failed; 2 wrong usage or input; 3 not signed in, not allowed, unreachable.`,
    )
    .exitOverride();
  for (const register of [
    registerLogin,
    registerService,
    registerRelease,
    registerRollback,
    registerEnvironment,
    registerFlags,
    registerDoctor,
    registerRescue,
    registerAudit,
    registerJudge,
    registerExperiment,
  ])
    register(program);
  return program;
};
