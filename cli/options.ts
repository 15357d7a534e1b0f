import type { Command } from 'commander';

/** What every command that prints can do besides. */
export const withJson = (command: Command): Command => command.option('--json', 'print JSON');

export const withReason = (command: Command): Command =>
  withJson(command).option('--reason <text>', 'why, for the ledger', 'no reason given');

/** What a command is sent with that must have one effect. */
export const withOrder = (command: Command): Command =>
  withReason(command).option('--key <key>', 'the same key has one effect, however often it is sent');

export const withExample = (command: Command, ...examples: readonly string[]): Command =>
  command.addHelpText(
    'after',
    `\nExample${examples.length > 1 ? 's' : ''}:\n${examples.map((example) => `  $ ${example}`).join('\n')}`,
  );
