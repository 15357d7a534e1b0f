import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { eventTypeSchema } from '#ledger/event-types.ts';
import { readExportLine } from '#ledger/export-line.ts';
import type { LedgerRecord, RecordDraft } from '#ledger/record.ts';
import { CSV_HEADER, csvLine } from '#ledger/record-csv.ts';
import { ocsfEvent } from '#ledger/record-ocsf.ts';
import { aDraft, aReleaseId, aSalt } from './drafts.ts';

const recordOf = (draft: RecordDraft): LedgerRecord => {
  const { records } = linkRecords(EMPTY_LEDGER, [draft], {
    newSalt: aSalt,
    ids: ['01JGXQ00000000000000000000'],
  });
  return records[0]?.record ?? expect.fail('no record');
};

/** RFC 4180, as a spreadsheet reads it. */
const cellsOf = (line: string): readonly string[] => {
  const cells: string[] = [];
  let rest = line;
  for (;;) {
    const [whole, inner] = /^"((?:[^"]|"")*)"/.exec(rest) ?? expect.fail(`no cell: ${rest}`);
    cells.push((inner ?? '').replaceAll('""', '"'));
    rest = rest.slice(whole.length);
    if (rest === '') return cells;
    expect(rest[0]).toBe(',');
    rest = rest.slice(1);
  }
};

const byColumn = (record: LedgerRecord): Readonly<Record<string, string>> => {
  const cells = cellsOf(csvLine(record));
  const names = cellsOf(CSV_HEADER);
  expect(cells).toHaveLength(names.length);
  return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
};

describe('CSV', () => {
  it('has a column for whatever an auditor sorts by, and the rest as JSON', () => {
    const releaseId = aReleaseId();
    const cells = byColumn(recordOf(aDraft({ releaseId, text: 'with "quotes", commas\nand lines' })));
    expect(cells).toMatchObject({
      seq: '0',
      time: '2026-01-05T10:00:10.000Z',
      type: 'release.shift.done',
      service: 'checkout',
      environment: 'staging',
      repository: '',
      actor: 'sluice',
      authenticated: 'true',
      controls: 'CC8.1 A.8.32',
      release: releaseId,
    });
    expect(JSON.parse(cells.data ?? '')).toEqual({ releaseId, text: 'with "quotes", commas\nand lines' });
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '\uff1d1',
    '\uff0b1',
    '\uff0d1',
    '\uff201',
  ])('never begins a cell as a formula does: %j', (login) => {
    const record = recordOf({ ...aDraft(), actor: { ...aDraft().actor, login } });
    expect(byColumn(record).actor).toBe(`'${login}`);
  });

  it('lets nothing in a cell begin another, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (text) => {
        const draft = { ...aDraft(), change: { service: 'checkout', repository: text, status: text } };
        const cells = byColumn(recordOf(draft));
        for (const cell of Object.values(cells)) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
        expect(cells.service).toBe('checkout');
        expect(cells.recordHash).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
});

const schema = JSON.parse(
  readFileSync(
    path.join(import.meta.dirname, '..', 'fixtures', 'ocsf', 'entity-management-1.5.0.schema.json'),
    'utf8',
  ),
);
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);

/** What is wrong with an event by the published schema. */
const faultsOf = (event: unknown) => {
  validate(JSON.parse(JSON.stringify(event)));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

describe('OCSF', () => {
  it.each(eventTypeSchema.options)('is what the published schema says, for %s', (type) => {
    const event = ocsfEvent(recordOf(aDraft({ releaseId: aReleaseId(), reason: 'a test' }, type)));
    expect(faultsOf(event)).toEqual([]);
    expect(event).toMatchObject({
      class_uid: 3004,
      type_uid: 300_400 + event.activity_id,
      time: Date.parse('2026-01-05T10:00:10.000Z'),
      metadata: { event_code: type, sequence: 0 },
      actor: { user: { name: 'sluice', type_id: 3 } },
      comment: 'a test',
    });
  });

  it('is so for records that say little, too', () => {
    for (const kind of ['user', 'pipeline', 'system'] as const)
      for (const riskLevel of ['low', 'medium', 'high'] as const) {
        const { change: _, ...draft } = aDraft({});
        const record = recordOf({
          ...draft,
          change: {},
          actor: { ...draft.actor, kind },
          compliance: { riskLevel, controls: [] },
        });
        expect(faultsOf(ocsfEvent(record))).toEqual([]);
      }
  });

  it('is refused by that schema when it is anything else: it does check', () => {
    const event = ocsfEvent(recordOf(aDraft()));
    const { metadata: _, ...without } = event;
    expect(faultsOf(without)).not.toEqual([]);
    expect(faultsOf({ ...event, severity_id: 7 })).not.toEqual([]);
    expect(faultsOf({ ...event, invented: 1 })).not.toEqual([]);
    expect(faultsOf({ ...event, actor: { user: {} } })).not.toEqual([]);
  });

  it('carries the record itself, whose hash can be checked', () => {
    const record = recordOf(aDraft({ n: 1 }));
    expect(readExportLine(ocsfEvent(record).raw_data)).toMatchObject({ kind: 'sound', link: { seq: 0 } });
  });
});
