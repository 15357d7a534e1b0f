import { describe, expect, it } from 'vitest';
import { referencesIn, Synthesized } from './synthesized.ts';

const team = new Synthesized('team');
const local = new Synthesized('local');

const bucket = (stack: Synthesized, name: string) => {
  const found = stack
    .all('AWS::S3::Bucket')
    .find(({ Properties }) => JSON.stringify(Properties.BucketName).includes(`sluice-${name}-`));
  return found ?? expect.fail(`no bucket ${name}`);
};

describe('every bucket', () => {
  it.each([team, local].flatMap((stack) => stack.all('AWS::S3::Bucket').map((made) => ({ stack, ...made }))))(
    'is private, encrypted, versioned, and refuses plain HTTP: $id',
    ({ stack, id, Properties }) => {
      expect(Properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(JSON.stringify(Properties.BucketEncryption)).toContain('AES256');
      expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
      const statements = stack
        .all('AWS::S3::BucketPolicy')
        .filter(({ Properties: { Bucket } }) => referencesIn(Bucket).includes(id))
        .flatMap(({ Properties: { PolicyDocument } }) => PolicyDocument.Statement);
      const denied = statements.filter(({ Effect }) => Effect === 'Deny').map(({ Condition }) => Condition);
      expect(denied).toContainEqual({ Bool: { 'aws:SecureTransport': 'false' } });
      expect(statements.filter(({ Effect }) => Effect !== 'Deny')).toEqual([]);
    },
  );
});

describe('the archive', () => {
  const lockOf = (stack: Synthesized) => bucket(stack, 'archive').Properties.ObjectLockConfiguration;

  it("of a team's stage is locked for seven years unless it says otherwise", () => {
    expect(lockOf(team)).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 7 * 365 } },
    });
    const strict = new Synthesized('team', { archiveLock: { mode: 'compliance', years: 10 } });
    expect(lockOf(strict).Rule.DefaultRetention).toEqual({ Mode: 'COMPLIANCE', Days: 3_650 });
  });

  it('can be held even where nothing is locked, and never expires', () => {
    expect(bucket(local, 'archive').Properties.ObjectLockEnabled).toBe(true);
    expect(lockOf(local)).toBeUndefined();
    expect(bucket(team, 'archive').Properties.LifecycleConfiguration).toBeUndefined();
  });

  it('takes records after a year, by a function that insists on the lock where there is one', () => {
    const settings = (stack: Synthesized) => {
      const archiver = stack
        .all('AWS::Lambda::Function')
        .find(({ Properties }) => Properties.FunctionName === 'sluice-archive-records');
      const { ARCHIVE_AFTER_SECONDS, ARCHIVE_MUST_BE_LOCKED } =
        archiver?.Properties.Environment.Variables ?? {};
      return { after: ARCHIVE_AFTER_SECONDS, locked: ARCHIVE_MUST_BE_LOCKED };
    };
    expect(settings(team)).toEqual({ after: String(365 * 86_400), locked: 'true' });
    expect(settings(new Synthesized('team', { archiveAfterDays: 30 })).after).toBe(String(30 * 86_400));
    expect(settings(local).locked).toBe('false');
  });
});

describe('checkpoints', () => {
  const lockOf = (stack: Synthesized) => bucket(stack, 'checkpoints').Properties.ObjectLockConfiguration;

  it("of a team's stage are locked for seven years unless it says otherwise", () => {
    expect(lockOf(team)).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 7 * 365 } },
    });
    const strict = new Synthesized('team', { checkpointLock: { mode: 'compliance', years: 10 } });
    expect(lockOf(strict).Rule.DefaultRetention).toEqual({ Mode: 'COMPLIANCE', Days: 3_650 });
    expect(lockOf(local)).toBeUndefined();
  });

  it('are never expired, and tiles only once they were replaced', () => {
    expect(bucket(team, 'checkpoints').Properties.LifecycleConfiguration).toBeUndefined();
    expect(bucket(team, 'tiles').Properties.ObjectLockConfiguration).toBeUndefined();
    expect(bucket(team, 'tiles').Properties.LifecycleConfiguration.Rules).toEqual([
      {
        Status: 'Enabled',
        ExpiredObjectDeleteMarker: true,
        NoncurrentVersionExpiration: { NoncurrentDays: 30 },
      },
    ]);
  });

  it('are signed by an Ed25519 key', () => {
    const [{ Properties } = expect.fail('no key')] = team.all('AWS::KMS::Key');
    expect(Properties).toMatchObject({ KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' });
  });

  it('are looked for every five minutes where a team has it', () => {
    const schedules = team
      .all('AWS::Scheduler::Schedule')
      .filter(({ Properties }) => Properties.Name === 'sluice-sealing');
    expect(schedules.map(({ Properties }) => Properties.ScheduleExpression)).toEqual(['rate(5 minutes)']);
  });
});
