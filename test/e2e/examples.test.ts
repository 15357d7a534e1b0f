import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployLocally } from '../../local/deploy.ts';
import { newName } from './doors/services.ts';
import { createService, ended, world } from './harness.ts';

/** Deploys the example as a team would, with code that answers this, and gives the version that it published. */
const deployExample = async (functionName: string, stackName: string, answer: string): Promise<string> => {
  const code = mkdtempSync(path.join(tmpdir(), 'sluice-example-'));
  writeFileSync(path.join(code, 'index.mjs'), `export const handler = async () => '${answer}';`);
  const { outputs } = await deployLocally({
    endpoint: world.endpoint,
    log: () => undefined,
    app: 'node examples/cdk/app.ts',
    context: { functionName, stackName, code },
  });
  return outputs[stackName]?.Version ?? expect.fail('the example has no output Version');
};

describe('the CDK example', () => {
  it('publishes a version with each deployment and moves nothing; what a release moved stays where it is', async () => {
    const stackName = newName('example');
    let deploy: (answer: string) => Promise<string> = () => expect.fail('not made yet');
    const service = await createService({}, 'production', async (functionName) => {
      deploy = (answer) => deployExample(functionName, stackName, answer);
      expect(await deploy('one')).toBe('1');
    });
    const at = (primary: string) => ({ primary, weights: {} });
    try {
      expect(await service.routing()).toEqual(at('1'));
      expect(await deploy('two')).toBe('2');
      expect(await service.routing()).toEqual(at('1'));
      const promoted = await ended(await service.request('2'));
      expect(promoted.event.type).toBe('release.promoted');
      expect(await service.routing()).toEqual(at('2'));
      expect(await deploy('three')).toBe('3');
      expect(await service.routing()).toEqual(at('2'));
    } finally {
      await service.stop();
    }
  });
});
