import type { LedgerRecord } from '#ledger/record.ts';

type Cell = string | number | boolean | undefined;

/** The columns in their order; `data` is what the event says besides, as JSON. */
const COLUMNS: Readonly<Record<string, (record: LedgerRecord) => Cell>> = {
  seq: ({ seq }) => seq,
  time: ({ event }) => event.timestamp,
  type: ({ event }) => event.type,
  changeType: ({ change }) => change.type,
  service: ({ change }) => change.service,
  environment: ({ change }) => change.environment,
  repository: ({ change }) => change.repository,
  status: ({ change }) => change.status,
  commitSha: ({ change }) => change.commitSha,
  filesCount: ({ change }) => change.filesCount,
  actor: ({ actor }) => actor.login,
  actorKind: ({ actor }) => actor.kind,
  authenticated: ({ actor }) => actor.authenticated,
  via: ({ actor }) => actor.via,
  riskLevel: ({ compliance }) => compliance.riskLevel,
  standards: ({ compliance }) => compliance.standards.join(' '),
  controls: ({ compliance }) => compliance.controls.join(' '),
  release: ({ data }) => (typeof data.releaseId === 'string' ? data.releaseId : undefined),
  data: ({ data }) => JSON.stringify(data),
  id: ({ id }) => id,
  prevHash: ({ prevHash }) => prevHash,
  recordHash: ({ recordHash }) => recordHash,
};

/**
 * What a spreadsheet takes for a formula, their full-width forms included (OWASP, "CSV Injection"): whoever opens the file
 * would run what somebody else wrote into a record.
 */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** Always in quotes, so that no separator in it begins a cell of its own; a formula becomes text by an apostrophe. */
const quoted = (cell: Cell): string => {
  const text = String(cell ?? '');
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
};

const line = (cells: readonly Cell[]): string => cells.map(quoted).join(',');

/** RFC 4180 without line ends, which are CR LF. */
export const CSV_HEADER = line(Object.keys(COLUMNS));

export const csvLine = (record: LedgerRecord): string =>
  line(Object.values(COLUMNS).map((cellOf) => cellOf(record)));
