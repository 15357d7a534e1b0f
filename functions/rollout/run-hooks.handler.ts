import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { hookPort } from '#rollout/adapters/rollout-ports.ts';
import { hookEnvironment } from '#rollout/environment.ts';
import { runHooks } from '#rollout/run-hooks.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const environment = readEnvironment({ ...releaseEnvironment, ...hookEnvironment });
const ports = { ...releasePorts(environment), caller: hookPort(environment) };

export const handler = serveTask(rolloutTasks.RunHooks)(({ releaseId, fence, at, state }) =>
  runHooks(ports, releaseId, fence, at, state ?? {}),
);
