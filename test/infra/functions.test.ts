import { globSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, referencesIn, Synthesized } from './synthesized.ts';

const team = new Synthesized('team');
const functions = team.all('AWS::Lambda::Function').map((made) => ({
  ...made,
  name: String(made.Properties.FunctionName).replace('sluice-', ''),
}));

describe('the functions', () => {
  it('are the handlers of the tree, each once', () => {
    const handlers = globSync('functions/*/*.handler.ts', { cwd: ROOT }).map((file) =>
      path.basename(file, '.handler.ts'),
    );
    expect(functions.map(({ name }) => name).toSorted()).toEqual(handlers.toSorted());
  });
});

describe.each(functions)('$name', ({ id, name, Properties }) => {
  it('runs on what all run on', () => {
    expect(Properties.Runtime).toBe('nodejs24.x');
    expect(Properties.Architectures).toEqual(['arm64']);
    expect(Properties.TracingConfig).toEqual({ Mode: 'Active' });
    expect(Properties.MemorySize).toBeGreaterThanOrEqual(512);
    expect(Properties.Timeout).toBeLessThanOrEqual(120);
    expect(Properties.Layers).toBeUndefined();
    expect(Properties.VpcConfig).toBeUndefined();
  });

  it('logs into a group of its own that expires', () => {
    const [group = ''] = referencesIn(Properties.LoggingConfig.LogGroup);
    expect(team.resources[group]?.Properties).toMatchObject({
      LogGroupName: `/aws/lambda/${Properties.FunctionName}`,
      RetentionInDays: 365,
    });
  });

  it('says its name in logs and metrics, and holds no secret in its environment', () => {
    const { Variables } = Properties.Environment;
    expect(Variables.POWERTOOLS_SERVICE_NAME).toBe(name);
    for (const key of Object.keys(Variables)) expect(key).not.toMatch(/SECRET|PASSWORD|TOKEN|_KEY$/);
  });

  it('has a role that no other function has', () => {
    const [role] = referencesIn(Properties.Role);
    const sharing = functions.filter((other) => referencesIn(other.Properties.Role)[0] === role);
    expect(sharing.map((other) => other.name)).toEqual([name]);
  });

  it('has a published version that stays while a release in flight may still call it', () => {
    const versions = team
      .all('AWS::Lambda::Version')
      .filter((version) => referencesIn(version.Properties.FunctionName)[0] === id);
    expect(versions).toHaveLength(1);
    expect(versions[0]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });
});

describe('concurrency for restores', () => {
  const reserved = (stack: Synthesized) =>
    Object.fromEntries(
      stack
        .all('AWS::Lambda::Function')
        .filter(({ Properties }) => Properties.ReservedConcurrentExecutions !== undefined)
        .map(({ Properties }) => [Properties.FunctionName, Properties.ReservedConcurrentExecutions]),
    );

  it('is kept free where it is configured, for who restores, obeys or heeds, and for nobody else', () => {
    expect(reserved(team)).toEqual({});
    expect(reserved(new Synthesized('team', { restoreConcurrency: 5 }))).toEqual({
      'sluice-restore-traffic': 5,
      'sluice-obey-command': 5,
      'sluice-take-command': 5,
      'sluice-heed-alarm': 5,
    });
  });
});

describe('capture-aws', () => {
  it('knows every role of the stack, and has room for their names', () => {
    const [capture] = functions.filter(({ name }) => name === 'capture-aws');
    const known = referencesIn(capture?.Properties.Environment.Variables.OWN_ROLES);
    const roles = team.all('AWS::IAM::Role').map(({ id }) => id);
    expect(known.toSorted()).toEqual(roles.toSorted());
    // 4 KB of environment; a role's name that CloudFormation makes is 64 characters at most.
    expect(roles.length * 65).toBeLessThan(3_500);
  });
});
