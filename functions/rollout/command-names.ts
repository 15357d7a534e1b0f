/** What an operator can ask of a release on its way, and of one that has ended: the same again. */
export const COMMANDS = ['promote', 'pause', 'resume', 'abort', 'retry'] as const;
export type CommandName = (typeof COMMANDS)[number];
