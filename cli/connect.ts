import type { Command } from 'commander';
import { type ApiClient, apiClient } from './api-client.ts';
import { persistentClient } from './persistent-client.ts';
import { accessFrom } from './session/access.ts';
import { sessionDirectory, sessionFiles } from './session/session-files.ts';

/** A person at a terminal would rather read an error than wait longer. */
const USUAL_SECONDS = 10;

/** The API that this command is for, as whoever is signed in; asked again for `seconds` while it fails in passing. */
export const connect = (command: Command, seconds: number = USUAL_SECONDS): ApiClient => {
  const files = sessionFiles(sessionDirectory(process.env, process.platform));
  const { api, token } = accessFrom(command.optsWithGlobals<{ api?: string }>().api, process.env, files);
  return persistentClient(apiClient(api, token), seconds);
};
