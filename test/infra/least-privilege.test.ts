import { describe, expect, it } from 'vitest';
import { LISTENER_ARN, RULE_ARN } from '../builders/alb.ts';
import { arnText, type Grant, grantsOf, names, whoMay } from './grants.ts';
import { type Resource, Synthesized } from './synthesized.ts';

const team = new Synthesized('team');
const grants = grantsOf(team);
const tableArn = (name: string): string => `arn:aws:dynamodb:here:us:table/sluice-${name}`;

/** Every way to change an item, or a whole table, that DynamoDB has. */
const CHANGES = [
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PartiQLDelete',
  'UpdateTable',
  'DeleteTable',
  'UpdateTimeToLive',
  'UpdateContinuousBackups',
  'PutResourcePolicy',
  'ImportTable',
  'RestoreTableToPointInTime',
  'RestoreTableFromBackup',
] as const;

const changersOf = (table: string): Record<string, readonly string[]> =>
  Object.fromEntries(
    CHANGES.flatMap((action) => {
      const who = names(whoMay(grants, `dynamodb:${action}`, tableArn(table)));
      return who.length === 0 ? [] : [[action, who]];
    }),
  );

const inTransaction = {
  'ForAnyValue:StringEquals': { 'dynamodb:EnclosingOperation': ['TransactWriteItems'] },
};

describe('the ledger', () => {
  it.each(['ledger', 'ledger-heads'])(
    'is written by append-records alone, by transactions alone: %s',
    (table) => {
      const { DeleteItem: _, ...changers } = changersOf(table);
      expect(changers).toEqual({ PutItem: ['append-records'] });
      const puts = whoMay(grants, 'dynamodb:PutItem', tableArn(table));
      expect(puts.map(({ condition }) => condition)).toEqual(puts.map(() => inTransaction));
      expect(puts.length).toBeGreaterThan(0);
    },
  );

  it('gives up records to the archiver alone, by transactions alone, and its head to nobody', () => {
    const deletes = whoMay(grants, 'dynamodb:DeleteItem', tableArn('ledger'));
    expect(deletes.map(({ who, condition }) => ({ who, condition }))).toEqual([
      { who: 'archive-records', condition: inTransaction },
    ]);
    expect(names(whoMay(grants, 'dynamodb:DeleteItem', tableArn('ledger-heads')))).toEqual([]);
    // What each such transaction checks: that the archive has the record, and that no hold came.
    const checkers = (table: string) => names(whoMay(grants, 'dynamodb:ConditionCheckItem', tableArn(table)));
    expect(checkers('archives')).toEqual(['archive-records']);
    expect(checkers('holds')).toEqual(['archive-records', 'serve-redactions']);
  });

  it('has a stream that two read: who makes events, and who makes the index', () => {
    const stream = `${tableArn('ledger')}/stream/NOW`;
    for (const action of ['GetRecords', 'GetShardIterator', 'DescribeStream'])
      expect(names(whoMay(grants, `dynamodb:${action}`, stream)), action).toEqual([
        'index-records',
        'publish-events',
      ]);
  });

  it('is read by those who show it, and by nobody else', () => {
    const read = (action: string, arn: string) => names(whoMay(grants, `dynamodb:${action}`, arn));
    expect(read('Query', tableArn('ledger'))).toEqual([
      'archive-records',
      'index-records',
      'redrive-events',
      'seal-checkpoint',
      'serve-audit',
      'verify-ledger',
    ]);
    expect(read('Query', `${tableArn('ledger')}/index/by-release`)).toEqual([
      'serve-audit',
      'serve-releases',
    ]);
    expect(read('GetItem', tableArn('ledger'))).toEqual(['serve-api']);
    expect(read('BatchGetItem', tableArn('ledger-heads'))).toEqual(['append-records']);
    expect(read('GetItem', tableArn('ledger-heads'))).toEqual([
      'archive-records',
      'index-records',
      'redrive-events',
      'seal-checkpoint',
      'serve-api',
      'serve-audit',
      'serve-redactions',
      'verify-ledger',
    ]);
    expect(read('BatchGetItem', tableArn('ledger'))).toEqual(['serve-audit', 'serve-redactions']);
    expect(read('Query', tableArn('ledger-index'))).toEqual(['serve-audit']);
    expect(read('GetItem', tableArn('ledger-index'))).toEqual([
      'index-records',
      'serve-audit',
      'serve-redactions',
    ]);
  });

  it('becomes events by two: who reads the stream, and who sends again what was lost', () => {
    expect(names(whoMay(grants, 'events:PutEvents', 'arn:aws:events:here:us:event-bus/sluice'))).toEqual([
      'publish-events',
      'redrive-events',
    ]);
  });

  it.each(['ledger', 'ledger-heads', 'ledger-index'])('is never read from end to end: %s', (table) => {
    for (const arn of [tableArn(table), `${tableArn(table)}/index/any`])
      for (const action of ['Scan', 'PartiQLSelect', 'ExportTableToPointInTime'])
        expect(names(whoMay(grants, `dynamodb:${action}`, arn)), action).toEqual([]);
  });
});

describe("the ledger's proofs", () => {
  const on = (action: string, arn: string) => names(whoMay(grants, action, arn));
  const key = 'arn:aws:kms:here:us:key/Signs the checkpoints of ledger sluice.';
  const tiles = 'arn:aws:s3:::sluice-tiles';
  const checkpoints = 'arn:aws:s3:::sluice-checkpoints';

  it('are signed by seal-checkpoint alone, and nobody can do more with the key', () => {
    expect(on('kms:Sign', key)).toEqual(['seal-checkpoint']);
    for (const action of ['PutKeyPolicy', 'ScheduleKeyDeletion', 'DisableKey', 'CreateGrant', 'Decrypt'])
      expect(on(`kms:${action}`, key), action).toEqual([]);
  });

  it('are put by seal-checkpoint alone', () => {
    expect(changersOf('seals')).toEqual({ PutItem: ['seal-checkpoint', 'verify-ledger'] });
    const own = whoMay(grants, 'dynamodb:PutItem', tableArn('seals')).filter(
      ({ who }) => who === 'verify-ledger',
    );
    expect(own.map(({ condition }) => condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['verified'] } },
    ]);
    for (const object of [`${tiles}/tile/0/000`, `${tiles}/checkpoint`, `${checkpoints}/checkpoint/1`])
      expect(on('s3:PutObject', object), object).toEqual(['seal-checkpoint']);
    expect(on('s3:GetObject', `${tiles}/checkpoint`)).toEqual(['seal-checkpoint']);
  });

  it('can be removed by nobody, but for partial tiles whose place is full', () => {
    expect(on('s3:DeleteObject', `${tiles}/tile/0/000.p/5`)).toEqual(['seal-checkpoint']);
    for (const object of [
      `${tiles}/tile/0/000`,
      `${tiles}/tile/entries/x001/000`,
      `${tiles}/checkpoint`,
      `${checkpoints}/checkpoint/1`,
    ])
      for (const action of [
        'DeleteObject',
        'DeleteObjectVersion',
        'PutObjectRetention',
        'BypassGovernanceRetention',
      ])
        expect(on(`s3:${action}`, object), `${action} ${object}`).toEqual([]);
    for (const bucket of [tiles, checkpoints])
      for (const action of [
        'DeleteBucket',
        'PutBucketPolicy',
        'PutLifecycleConfiguration',
        'PutBucketVersioning',
      ])
        expect(on(`s3:${action}`, bucket), `${action} ${bucket}`).toEqual([]);
  });
});

describe('the archive of the ledger', () => {
  const on = (action: string, arn: string) => names(whoMay(grants, action, arn));
  const bucket = 'arn:aws:s3:::sluice-archive';
  const bundle = `${bucket}/tile/entries/x001/000`;

  it('is put and held by the archiver alone', () => {
    for (const action of ['PutObject', 'PutObjectLegalHold', 'GetObjectRetention'])
      expect(on(`s3:${action}`, bundle), action).toEqual(['archive-records']);
    expect(on('s3:PutObject', `${bucket}/elsewhere`)).toEqual([]);
    expect(changersOf('archives')).toEqual({ PutItem: ['archive-records'] });
  });

  it('can be removed, unlocked or shortened by nobody', () => {
    for (const action of [
      'DeleteObject',
      'DeleteObjectVersion',
      'PutObjectRetention',
      'BypassGovernanceRetention',
      'PutBucketObjectLockConfiguration',
      'DeleteBucket',
      'PutBucketPolicy',
      'PutLifecycleConfiguration',
      'PutBucketVersioning',
    ])
      for (const arn of [bucket, bundle]) expect(on(`s3:${action}`, arn), `${action} ${arn}`).toEqual([]);
  });

  it('is read by those who show records, and by who must know whether a record is there', () => {
    expect(on('s3:GetObject', bundle)).toEqual([
      'archive-records',
      'index-records',
      'publish-events',
      'redrive-events',
      'serve-audit',
      'serve-redactions',
      'serve-releases',
      'verify-ledger',
    ]);
    expect(on('dynamodb:Query', tableArn('archives'))).toEqual([
      'archive-records',
      'serve-audit',
      'serve-releases',
    ]);
  });

  it('is held by what the door for holds wrote, which may wake the archiver', () => {
    expect(changersOf('holds')).toEqual({ PutItem: ['serve-holds'] });
    expect(on('dynamodb:Scan', tableArn('holds'))).toEqual([
      'archive-records',
      'serve-holds',
      'serve-redactions',
    ]);
    expect(
      on('lambda:InvokeFunction', 'arn:aws:lambda:here:us:function:sluice-archive-records:VERSION'),
    ).toEqual(['schedule archival', 'serve-holds']);
  });
});

describe('personal values', () => {
  it('are put with their records, deleted by redaction alone, both by transactions, and never changed', () => {
    const table = tableArn('ledger-personal');
    expect(changersOf('ledger-personal')).toEqual({
      PutItem: ['append-records'],
      DeleteItem: ['serve-redactions'],
    });
    for (const action of ['PutItem', 'DeleteItem'])
      for (const { condition } of whoMay(grants, `dynamodb:${action}`, table))
        expect(condition).toEqual(inTransaction);
    expect(names(whoMay(grants, 'dynamodb:BatchGetItem', table))).toEqual([
      'append-records',
      'archive-records',
      'index-records',
      'publish-events',
      'redrive-events',
      'serve-audit',
      'serve-redactions',
      'serve-releases',
    ]);
    for (const action of ['GetItem', 'Query', 'Scan', 'PartiQLSelect'])
      expect(names(whoMay(grants, `dynamodb:${action}`, table)), action).toEqual([]);
  });
});

describe('the other tables', () => {
  it('are changed by who makes the index of the ledger', () => {
    expect(changersOf('ledger-index')).toEqual({
      PutItem: ['index-records'],
      BatchWriteItem: ['index-records'],
      DeleteItem: ['serve-redactions'],
    });
  });

  it('are changed by those who keep the state of releases', () => {
    const state = [
      'admit-release',
      'conclude-release',
      'heed-alarm',
      'judge-health',
      'obey-command',
      'promote-version',
      'recover-release',
      'restore-traffic',
      'serve-releases',
      'shift-traffic',
      'start-release',
      'take-command',
      'take-snapshot',
    ];
    expect(changersOf('releases')).toEqual({
      PutItem: ['obey-command', 'recover-release', 'serve-releases', 'start-release', 'take-command'],
      UpdateItem: state,
      DeleteItem: ['conclude-release'],
    });
  });

  it('are listed by those who must find what is open, or know which environments there are', () => {
    const read = (action: string, arn: string) => names(whoMay(grants, `dynamodb:${action}`, arn));
    expect(read('Query', `${tableArn('releases')}/index/open`)).toEqual([
      'heed-alarm',
      'obey-command',
      'recover-release',
    ]);
    expect(read('Scan', tableArn('services'))).toEqual([
      'capture-aws',
      'reconcile-deployments',
      'serve-releases',
      'serve-services',
    ]);
    expect(read('Scan', tableArn('releases'))).toEqual([]);
  });

  it('are changed by who registers services', () => {
    expect(changersOf('services')).toEqual({ PutItem: ['serve-services'] });
  });

  it('are changed by who compares what runs with what was released', () => {
    expect(changersOf('deployments')).toEqual({ PutItem: ['reconcile-deployments'] });
  });

  it('let nobody in by a policy of their own', () => {
    for (const { Properties } of team.all('AWS::DynamoDB::Table')) {
      expect(Properties.ResourcePolicy).toBeUndefined();
      expect(Properties.StreamSpecification?.ResourcePolicy).toBeUndefined();
    }
  });
});

describe('functions that keep counts', () => {
  const callersOf = (overrides: Readonly<Record<string, unknown>>, name: string) =>
    names(
      whoMay(
        grantsOf(new Synthesized('team', overrides)),
        'lambda:InvokeFunction',
        `arn:aws:lambda:here:us:function:${name}`,
      ),
    );

  it('are called by those who read metrics, where the configuration names them', () => {
    expect(callersOf({ metricFunctions: ['counts'] }, 'counts')).toEqual([
      'judge-health',
      'serve-doctor',
      'take-snapshot',
    ]);
    expect(callersOf({ metricFunctions: ['counts'] }, 'counts-2')).toEqual([]);
    expect(callersOf({}, 'counts')).toEqual([]);
  });
});

describe('bearer tokens of metric servers', () => {
  const tokens = (overrides: Readonly<Record<string, unknown>>) =>
    grantsOf(new Synthesized('team', overrides))
      .filter(
        ({ who, actions }) => who !== 'capture-github' && actions.some((action) => /^ssm:|^\*$/.test(action)),
      )
      .filter(({ resources }) => resources.some((resource) => !resource.includes('parameter/sluice/rescue')))
      .map(({ who, actions, resources }) => ({ who, actions, resources }));

  it('are read by those who read metrics, each by its name', () => {
    const prometheusHosts = [
      { host: 'a.example', tokenParameter: '/sluice/a' },
      { host: 'b.example', tokenParameter: '/sluice/b' },
      { host: 'c.example' },
    ];
    const resources = ['a', 'b'].map((name) => `arn:aws:ssm:here:us:parameter/sluice/${name}`);
    const granted = tokens({ prometheusHosts }).toSorted((a, b) => a.who.localeCompare(b.who));
    expect(granted).toEqual(
      ['judge-health', 'serve-doctor', 'take-snapshot'].map((who) => ({
        who,
        actions: ['ssm:GetParameter'],
        resources,
      })),
    );
  });

  it('are read by nobody where none is named', () => {
    expect(tokens({})).toEqual([]);
  });
});

describe('hooks', () => {
  it('are called by those who ask them, by their aliases, where the configuration names them', () => {
    const called = grantsOf(new Synthesized('team', { hookFunctions: ['smoke-test'] })).filter(
      ({ resources }) => resources.some((resource) => resource.includes('function:smoke-test')),
    );
    const told = called.map(({ who, actions, resources }) => ({
      who,
      actions,
      resources: resources.filter((resource) => resource.includes('function:smoke-test')),
    }));
    expect(told.toSorted((a, b) => a.who.localeCompare(b.who))).toEqual(
      ['judge-health', 'run-hooks'].map((who) => ({
        who,
        actions: ['lambda:InvokeFunction'],
        resources: ['arn:aws:lambda:here:us:function:smoke-test:*'],
      })),
    );
  });
});

describe('copies for a rescue', () => {
  const copies = grantsOf(new Synthesized('team')).filter(({ resources }) =>
    resources.some((resource) => resource.includes('parameter/sluice/rescue')),
  );
  const path = 'arn:aws:ssm:here:us:parameter/sluice/rescue';

  it('are written before anything moves, and read by an abort; nobody deletes them', () => {
    expect(
      copies
        .map(({ who, actions, resources }) => ({ who, actions, resources }))
        .toSorted((a, b) => a.who.localeCompare(b.who)),
    ).toEqual([
      ...['obey-command', 'take-command'].map((who) => ({
        who,
        actions: ['ssm:GetParametersByPath'],
        resources: [path, `${path}/*`],
      })),
      { who: 'take-snapshot', actions: ['ssm:PutParameter'], resources: [`${path}/*`] },
    ]);
  });
});

describe("secrets of GitHub's webhooks", () => {
  const readersOf = (name: string, overrides: Readonly<Record<string, unknown>>) =>
    names(
      whoMay(
        grantsOf(new Synthesized('team', overrides)),
        'ssm:GetParameter',
        `arn:aws:ssm:here:us:parameter${name}`,
      ),
    );

  it('are read by the door that checks signatures, each by its name, and by nobody where none is named', () => {
    const overrides = { githubSecretParameters: ['/sluice/github'] };
    expect(readersOf('/sluice/github', overrides)).toEqual(['capture-github']);
    expect(readersOf('/sluice/other', overrides)).toEqual([]);
    expect(readersOf('/sluice/github', {})).toEqual([]);
  });
});

describe('what is captured', () => {
  it('is handed in by the doors, and reaches the ledger by its one writer', () => {
    const queue = 'arn:aws:sqs:here:us:sluice-captures';
    expect(names(whoMay(grants, 'sqs:SendMessage', queue))).toEqual(['capture-aws', 'capture-github']);
    expect(names(whoMay(grants, 'sqs:ReceiveMessage', queue))).toEqual(['append-records']);
  });
});

describe('the kill switches', () => {
  const appConfig = grants.filter(({ actions }) => actions.some((action) => /^appconfig:/.test(action)));
  const doers = (pattern: RegExp) =>
    names(appConfig.filter(({ actions }) => actions.some((action) => pattern.test(action))));

  it('are read by those whom they concern, and changed through the API alone', () => {
    expect(doers(/:(StartConfigurationSession|GetLatestConfiguration)$/)).toEqual([
      'heed-alarm',
      'judge-health',
      'obey-command',
      'serve-releases',
      'start-release',
      'take-command',
    ]);
    expect(doers(/:(?!StartConfigurationSession|GetLatestConfiguration)/)).toEqual(['serve-flags']);
    expect(doers(/:(Create(?!Hosted)|Update|Delete|Tag|Untag|Validate)/)).toEqual([]);
  });

  it('are all of AppConfig that anyone may touch', () => {
    const parts = '(|/configurationprofile/kill-switches.*|/environment/kill-switches.*)';
    for (const { who, resources } of appConfig)
      for (const resource of resources)
        expect(resource, who).toMatch(
          new RegExp(
            `^arn:aws:appconfig:here:us:(application/sluice${parts}|deploymentstrategy/sluice-at-once)$`,
          ),
        );
  });
});

/** What must be allowed on every resource, because AWS has none to name; who, what, and why. */
const EVERYWHERE: readonly (readonly [who: RegExp, actions: RegExp, reason: string])[] = [
  [
    /^[a-z-]+$/,
    /^xray:Put(TraceSegments|TelemetryRecords)$/,
    'Traces have no resource (Service Authorization Reference, AWS X-Ray).',
  ],
  [
    /^(judge-health|serve-doctor|take-snapshot)$/,
    /^cloudwatch:GetMetricData$/,
    'Metrics have no resource (Service Authorization Reference, Amazon CloudWatch).',
  ],
  [
    /^(judge-health|serve-doctor|take-snapshot)$/,
    /^cloudwatch:DescribeAlarms$/,
    'Composite alarms are told only to who may ask for all alarms (CloudWatch API Reference, DescribeAlarms).',
  ],
  [
    /^check-ownership$/,
    /^cloudformation:DescribeStackResources$/,
    'Asked by a resource of which the stack is not known yet (AWS CloudFormation API Reference, DescribeStackResources).',
  ],
  [
    /^workflow [a-z]+$/,
    /^xray:(Put(TraceSegments|TelemetryRecords)|GetSampling(Rules|Targets))$/,
    'Traces have no resource (Step Functions Developer Guide, "X-Ray tracing").',
  ],
  [
    /^workflow [a-z]+$/,
    /^logs:((Create|Get|Update|Delete|List)LogDeliver(y|ies)|(Put|Describe)ResourcePolic(y|ies)|DescribeLogGroups)$/,
    'Log deliveries have no resource (Step Functions Developer Guide, "Logging using CloudWatch Logs").',
  ],
];

/** Resources whose end is open; anything else must be named to its last letter. */
const OPEN_ENDS: readonly RegExp[] = [
  /^arn:aws:logs:here:us:log-group:\/aws\/lambda\/sluice-[a-z-]+:\*$/,
  /^arn:aws:lambda:here:us:function:sluice-[a-z-]+:\*$/,
  /^arn:aws:lambda:here:us:function:checkout:\*$/,
  /^arn:aws:states:here:us:execution:sluice-[a-z]+:\*$/,
  /^arn:aws:dynamodb:here:us:table\/sluice-ledger\/stream\/\*$/,
  /^arn:aws:ssm:here:us:parameter\/sluice\/rescue\/\*$/,
  /^arn:aws:s3:::sluice-tiles\/tile\/\*(\.p\/\*)?$/,
  /^arn:aws:s3:::sluice-checkpoints\/checkpoint\/\*$/,
  /^arn:aws:cloudformation:here:us:stack\/\*$/,
  /^arn:aws:s3:::sluice-archive\/tile\/entries\/\*$/,
  /^arn:aws:ssm:here:us:parameter\/sluice\/rescue\/\*$/,
  /^arn:aws:appconfig:here:us:application\/sluice\/(configurationprofile|environment)\/kill-switches\/(hostedconfigurationversion|deployment)\/\*$/,
];

describe('what is not ours to show', () => {
  const holdersOf = (service: string) =>
    grants
      .flatMap(({ who, actions }) => actions.map((action) => ({ who, action })))
      .filter(({ action }) => action.startsWith(`${service}:`));

  it('other stacks’ templates are read by check-ownership alone, which answers with names only', () => {
    expect(holdersOf('cloudformation')).toEqual([
      { who: 'check-ownership', action: 'cloudformation:DescribeStackResources' },
      { who: 'check-ownership', action: 'cloudformation:GetTemplate' },
    ]);
  });

  it('check-ownership is asked by those who compare, examine and register', () => {
    const arn = 'arn:aws:lambda:here:us:function:sluice-check-ownership:7';
    expect(names(whoMay(grants, 'lambda:InvokeFunction', arn))).toEqual([
      'reconcile-deployments',
      'serve-doctor',
      'serve-services',
    ]);
  });

  it('what roles may do is asked by the doctor alone, about the roles of those who write to targets', () => {
    const asking = grants.filter(({ actions }) => actions.some((action) => action.startsWith('iam:')));
    expect(asking.map(({ who, actions }) => ({ who, actions }))).toEqual([
      { who: 'serve-doctor', actions: ['iam:SimulatePrincipalPolicy'] },
    ]);
    const movers = [
      'heed-alarm',
      'obey-command',
      'promote-version',
      'restore-traffic',
      'retire-targets',
      'shift-traffic',
      'take-command',
    ];
    const roles = movers.map((name) => {
      const mover = team
        .all('AWS::Lambda::Function')
        .find(({ Properties }) => Properties.FunctionName === `sluice-${name}`);
      return arnText(mover?.Properties.Role, team);
    });
    expect(asking[0]?.resources.toSorted()).toEqual(roles.toSorted());
  });
});

describe('every grant', () => {
  it('names its actions in full', () => {
    for (const { who, actions } of grants)
      for (const action of actions) expect(action, who).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
  });

  it('names its resources, or has a reason here', () => {
    const unexplained = grants
      .filter(({ resources }) => resources.includes('*'))
      .flatMap(({ who, actions }) => actions.map((action) => ({ who, action })))
      .filter(({ who, action }) => !EVERYWHERE.some(([w, a]) => w.test(who) && a.test(action)));
    expect(unexplained).toEqual([]);
  });

  it('leaves only those ends open that are made at run time', () => {
    const open = grants
      .flatMap(({ resources }) => resources)
      .filter((resource) => resource !== '*' && /[*?]/.test(resource))
      .filter((resource) => !OPEN_ENDS.some((end) => end.test(resource)));
    expect(open).toEqual([]);
  });

  it('is its own, with no policy of AWS beside it', () => {
    for (const { id, Properties } of team.all('AWS::IAM::Role')) {
      expect(Properties.ManagedPolicyArns, id).toBeUndefined();
      expect(Properties.AssumeRolePolicyDocument.Statement, id).toHaveLength(1);
    }
  });
});

describe('every role', () => {
  it('belongs to one function, workflow or schedule', () => {
    const holders = names(grants);
    expect(holders.filter((who) => who.includes('+'))).toEqual([]);
    expect(team.all('AWS::IAM::Role')).toHaveLength(holders.length);
  });

  it('is assumed by the service that it runs on, and by nobody else', () => {
    for (const { id, Properties } of team.all('AWS::IAM::Role')) {
      const [statement] = Properties.AssumeRolePolicyDocument.Statement;
      expect(statement.Action, id).toBe('sts:AssumeRole');
      expect(
        ['lambda', 'states', 'scheduler'].map((name) => `${name}.amazonaws.com`),
        id,
      ).toContain(statement.Principal.Service);
    }
  });
});

/** Who may touch whose code or routing; the writer's own versions are for those who append. */
const lambdaGrants = (all: readonly Grant[]) =>
  all
    .filter(({ actions }) => actions.some((action) => action.startsWith('lambda:')))
    .filter(({ resources }) => !resources.every((resource) => resource.includes(':function:sluice-')))
    .map(({ who, actions, resources }) => ({
      who,
      actions: actions.toSorted(),
      resources: resources.toSorted(),
    }))
    .toSorted((a, b) => a.who.localeCompare(b.who));

describe('workflows', () => {
  const starters = (workflow: string) =>
    names(whoMay(grants, 'states:StartExecution', `arn:aws:states:here:us:stateMachine:sluice-${workflow}`));

  it('are started by those who take releases in, by the workflow around them, and by the sweep', () => {
    expect(starters('release')).toEqual([
      'obey-command',
      'recover-release',
      'serve-releases',
      'start-release',
      'take-command',
    ]);
    expect(starters('rollout')).toEqual(['workflow release']);
    expect(starters('stage')).toEqual(['workflow rollout']);
    expect(starters('recovery')).toEqual(['recover-release']);
  });
});

describe('moving traffic', () => {
  it('reaches the functions that the configuration names, and no others', () => {
    const stack = new Synthesized('team', { lambdaTargets: ['cart', 'pay-*'] });
    const arn = 'arn:aws:lambda:here:us:function';
    const resources = [`${arn}:cart`, `${arn}:cart:*`, `${arn}:pay-*`, `${arn}:pay-*:*`].toSorted();
    const moves = ['lambda:GetAlias', 'lambda:UpdateAlias'];
    const looks = [
      'lambda:GetAlias',
      'lambda:GetFunctionConfiguration',
      'lambda:GetProvisionedConcurrencyConfig',
    ];
    expect(lambdaGrants(grantsOf(stack))).toEqual([
      { who: 'heed-alarm', actions: moves, resources },
      { who: 'judge-health', actions: ['lambda:GetAlias'], resources },
      { who: 'obey-command', actions: moves, resources },
      { who: 'promote-version', actions: moves, resources },
      { who: 'reconcile-deployments', actions: ['lambda:GetAlias'], resources },
      { who: 'restore-traffic', actions: moves, resources },
      { who: 'serve-doctor', actions: looks, resources },
      { who: 'shift-traffic', actions: moves, resources },
      { who: 'take-command', actions: moves, resources },
      { who: 'take-snapshot', actions: looks, resources },
    ]);
  });

  it('asks the shifter functions that the configuration names, by alias, and none by default', () => {
    const stack = new Synthesized('team', { shifterFunctions: ['edge-shifter'] });
    const arn = 'arn:aws:lambda:here:us:function:edge-shifter';
    const calls = grantsOf(stack).filter(({ resources }) => resources.some((one) => one.includes('edge-')));
    expect(names(calls)).toEqual([
      'heed-alarm',
      'judge-health',
      'obey-command',
      'promote-version',
      'reconcile-deployments',
      'restore-traffic',
      'serve-doctor',
      'shift-traffic',
      'take-command',
      'take-snapshot',
    ]);
    for (const { who, actions, resources } of calls) {
      expect(actions, who).toEqual(['lambda:InvokeFunction']);
      expect(
        resources.filter((one) => one.includes('edge-')),
        who,
      ).toEqual([`${arn}:*`]);
    }
  });

  it('reaches the listener rules that the configuration names, and none by default', () => {
    const balancing = (stack: Synthesized) =>
      grantsOf(stack).filter(({ actions }) =>
        actions.some((name) => name.startsWith('elasticloadbalancing:')),
      );
    expect(balancing(team)).toEqual([]);
    const stack = new Synthesized('team', { albRules: [RULE_ARN, LISTENER_ARN] });
    const all = balancing(stack);
    const may = (action: string, arn: string) => names(whoMay(all, `elasticloadbalancing:${action}`, arn));
    const movers = [
      'heed-alarm',
      'obey-command',
      'promote-version',
      'restore-traffic',
      'shift-traffic',
      'take-command',
    ];
    expect(may('ModifyRule', RULE_ARN)).toEqual(movers);
    expect(may('ModifyListener', LISTENER_ARN)).toEqual(movers);
    const each = all.flatMap(({ who, actions, resources }) =>
      actions
        .filter((action) => action.startsWith('elasticloadbalancing:'))
        .map((action) => ({ who, action: action.replace(/.*:/, ''), resources })),
    );
    for (const { who, action, resources } of each)
      if (action.startsWith('Describe')) expect(resources, who).toEqual(['*']);
      else expect(resources, who).toEqual([action === 'ModifyRule' ? RULE_ARN : LISTENER_ARN]);
    const reads = ['DescribeListeners', 'DescribeRules'];
    const actionsOf = (name: string) =>
      each
        .filter(({ who }) => who === name)
        .map(({ action }) => action)
        .toSorted();
    for (const mover of movers) expect(actionsOf(mover)).toEqual([...reads, 'ModifyListener', 'ModifyRule']);
    const inspectors = ['serve-doctor', 'take-snapshot'];
    for (const inspector of inspectors)
      expect(actionsOf(inspector)).toEqual([
        ...reads,
        'DescribeTargetGroupAttributes',
        'DescribeTargetHealth',
      ]);
    const watchers = ['judge-health', 'reconcile-deployments'];
    for (const watcher of watchers) expect(actionsOf(watcher)).toEqual(reads);
    expect(new Set(each.map(({ who }) => who))).toEqual(new Set([...movers, ...inspectors, ...watchers]));
  });

  it('deploys to the ECS services that the configuration names, by two functions, as the roles that it names', () => {
    const role = 'arn:aws:iam::123456789012:role/shop-task';
    const stack = new Synthesized('team', {
      ecsServices: ['shop/shop-blue', 'shop/shop-green'],
      ecsTaskRoles: [role],
    });
    const blue = 'arn:aws:ecs:here:us:service/shop/shop-blue';
    const all = grantsOf(stack).filter(({ actions }) => actions.some((name) => /^(ecs|iam):/.test(name)));
    const reach = (action: string) =>
      whoMay(all, action, action === 'iam:PassRole' ? role : blue).map(({ who, resources, condition }) => ({
        who,
        resources,
        ...(condition !== undefined && { condition }),
      }));
    const services = [
      'arn:aws:ecs:here:us:service/shop/shop-blue',
      'arn:aws:ecs:here:us:service/shop/shop-green',
    ];
    expect(reach('ecs:UpdateService').toSorted((a, b) => a.who.localeCompare(b.who))).toEqual([
      // Whoever may bring traffic back may ask for the tasks that it needs there.
      ...[
        'heed-alarm',
        'obey-command',
        'promote-version',
        'restore-traffic',
        'retire-targets',
        'shift-traffic',
        'take-command',
      ].map((who) => ({
        who,
        resources: services,
      })),
    ]);
    const byWho = (granted: ReturnType<typeof reach>) =>
      granted.toSorted((a, b) => a.who.localeCompare(b.who));
    const preparers = ['promote-version', 'shift-traffic'];
    expect(byWho(reach('ecs:RegisterTaskDefinition'))).toEqual(
      preparers.map((who) => ({ who, resources: ['*'] })),
    );
    expect(byWho(reach('iam:PassRole'))).toEqual(
      preparers.map((who) => ({
        who,
        resources: [role],
        condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      })),
    );
    const readers = reach('ecs:DescribeServices');
    expect(readers.map(({ who }) => who).toSorted()).toEqual([
      'heed-alarm',
      'judge-health',
      'obey-command',
      'promote-version',
      'reconcile-deployments',
      'restore-traffic',
      'retire-targets',
      'serve-doctor',
      'shift-traffic',
      'take-command',
      'take-snapshot',
    ]);
    for (const { who, resources } of readers) expect(resources, who).toEqual(services);
  });

  it('deploys the feature flags that the configuration names, and reads no others', () => {
    const stack = new Synthesized('team', { appConfigFlags: ['abc1234/def5678/ghi9012'] });
    const own = /:application\/sluice\b/;
    const all = grantsOf(stack).filter(
      ({ actions, resources }) =>
        actions.some((name) => name.startsWith('appconfig:')) && !resources.some((one) => own.test(one)),
    );
    const environment = 'arn:aws:appconfig:here:us:application/abc1234/environment/def5678';
    expect(names(whoMay(all, 'appconfig:StartDeployment', environment))).toEqual([
      'heed-alarm',
      'obey-command',
      'promote-version',
      'restore-traffic',
      'shift-traffic',
      'take-command',
    ]);
    for (const { who, actions, resources } of all) {
      expect(
        actions.every((name) => name.startsWith('appconfig:')),
        who,
      ).toBe(true);
      for (const resource of resources)
        expect(resource, who).toMatch(
          /^arn:aws:appconfig:here:us:(application\/abc1234(\/(environment\/def5678|configurationprofile\/ghi9012)(\/.*)?)?|deploymentstrategy\/\*|parameter\/sluice\/rescue\/\*)$/,
        );
    }
    expect(names(whoMay(all, 'appconfig:StartDeployment', environment.replace('def', 'xyz')))).toEqual([]);
  });

  it('reaches into other regions only where the configuration names them', () => {
    const away = (stack: Synthesized) =>
      grantsOf(stack).filter(({ resources }) => resources.some((one) => one.includes(':eu-west-1:')));
    const settings = {
      shifterFunctions: ['edge'],
      ecsServices: ['shop/blue'],
      appConfigFlags: ['abcd/efgh/ijkl'],
    };
    expect(away(new Synthesized('team', settings))).toEqual([]);
    const there = away(new Synthesized('team', { ...settings, targetRegions: ['eu-west-1'] }));
    const services = there.flatMap(({ resources }) =>
      resources.filter((one) => one.includes(':eu-west-1:')).map((one) => one.split(':')[2]),
    );
    expect(new Set(services)).toEqual(new Set(['lambda', 'ecs', 'appconfig', 'cloudformation', 'ssm']));
    for (const { who, resources } of there)
      for (const resource of resources.filter((one) => one.includes(':eu-west-1:')))
        expect(resource, who).toMatch(
          /:eu-west-1:us:(function:(edge|checkout)(:\*)?|service\/shop\/blue|application\/abcd.*|deploymentstrategy\/\*|stack\/\*|parameter\/sluice\/rescue\/\*)$/,
        );
  });

  it('leaves our own functions alone: they are called, in published versions, and never changed', () => {
    for (const { who, actions, resources } of grants)
      for (const resource of resources)
        if (resource.includes(':function:sluice-')) {
          expect(actions, `${who} on ${resource}`).toEqual(['lambda:InvokeFunction']);
          expect(resource, who).toMatch(/:(\*|VERSION)$/);
        }
  });
});

describe('policies of resources', () => {
  const statements = ['AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy', 'AWS::S3::BucketPolicy'].flatMap(
    (type) =>
      team
        .all(type)
        .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Resource['Properties'][]),
  );

  it('let in services of AWS only, and only on behalf of what is named', () => {
    for (const { Effect, Principal, Condition } of statements) {
      if (Effect === 'Deny') continue;
      expect(Principal.Service).toMatch(/^(events|cloudwatch)\.amazonaws\.com$/);
      const source = Condition.ArnEquals?.['aws:SourceArn'] ?? Condition.ArnLike?.['aws:SourceArn'];
      expect(source).toBeDefined();
    }
  });

  it('open a function to the gateway and to events by a published version and from one source', () => {
    const permissions = team.all('AWS::Lambda::Permission');
    expect(permissions.length).toBeGreaterThan(0);
    for (const { id, Properties } of permissions) {
      expect(Properties.Principal, id).toMatch(/^(events|apigateway)\.amazonaws\.com$/);
      expect(Properties.SourceArn, id).toBeDefined();
      expect(arnText(Properties.FunctionName, team), id).toMatch(/:VERSION$/);
    }
  });

  it('are all known here', () => {
    const known = [
      'AWS::S3::BucketPolicy',
      'AWS::SQS::QueuePolicy',
      'AWS::SNS::TopicPolicy',
      'AWS::Lambda::Permission',
      'AWS::IAM::Policy',
    ];
    const others = Object.values(team.resources)
      .map(({ Type }) => Type)
      .filter((type) => /Polic(y|ies)$|Permission$/.test(type) && !known.includes(type));
    expect(others).toEqual([]);
  });
});
