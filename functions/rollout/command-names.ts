/** What an operator can ask of a release on its way. */
export const COMMANDS = ['promote', 'pause', 'resume', 'abort'] as const;
export type CommandName = (typeof COMMANDS)[number];
