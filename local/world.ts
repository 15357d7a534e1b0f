import * as z from 'zod';
import { deployLocally } from './deploy.ts';
import { startEmulator } from './emulator.ts';
import { httpApiUrl } from './endpoint.ts';
import type { Pool } from './people.ts';

const outputsSchema = z.object({
  ApiId: z.string(),
  BusName: z.string(),
  UserPoolId: z.string(),
  ClientId: z.string(),
});

/** A whole local AWS with the stack in it, and where its doors are. */
export interface World {
  readonly endpoint: string;
  readonly apiUrl: string;
  readonly busName: string;
  readonly pool: Pool;
  readonly died: Promise<Error>;
  stop(): Promise<void>;
}

export const startWorld = async (options: {
  readonly port?: number;
  readonly functionsEndpoint?: string;
  readonly log: (line: string) => void;
  /** Settings on top of the local stage's defaults, known once the local AWS runs. */
  readonly settings?: (endpoint: string) => Promise<Readonly<Record<string, unknown>>>;
}): Promise<World> => {
  const emulator = await startEmulator(options);
  try {
    const { endpoint } = emulator;
    const settings = (await options.settings?.(endpoint)) ?? {};
    const { outputs } = await deployLocally({ endpoint, log: options.log, settings });
    const stack = outputsSchema.parse(outputs.Sluice);
    return {
      endpoint,
      apiUrl: httpApiUrl(endpoint, stack.ApiId),
      busName: stack.BusName,
      pool: { endpoint, userPoolId: stack.UserPoolId, clientId: stack.ClientId },
      died: emulator.died,
      stop: emulator.stop,
    };
  } catch (error) {
    await emulator.stop();
    throw error;
  }
};
