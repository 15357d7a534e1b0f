import path from 'node:path';
import { parseArgs } from 'node:util';
import { shellWord } from '../cli/session/api-address.ts';
import { ALIAS, CHECKOUT, createCheckout, VARIANTS } from './demo/checkout.ts';
import { startTraffic } from './demo/traffic.ts';
import { LocalSetupError } from './endpoint.ts';
import { createPerson, newPassword } from './people.ts';
import { runDirectory } from './run-directory.ts';
import { apiAs, tour } from './tour.ts';
import { sealNow, verifySigned } from './verify-ledger.ts';
import { startWorld, type World } from './world.ts';

const PEOPLE = [
  ['olive', ['operator', 'auditor']],
  ['robin', ['requester']],
  ['vera', ['viewer']],
] as const;
const [OPERATOR] = PEOPLE[0];

const say = (line: string): void => console.log(line);

const tellDoors = (world: World, password: string): void =>
  say(`
Everything stays up until Ctrl-C.

  The API          ${world.apiUrl}
  Its description  ${world.apiUrl}/v1/openapi.json
  People           ${PEOPLE.map(([name, roles]) => `${name} (${roles.join(', ')})`).join(', ')}
  Their password   ${password}

In another terminal: sign in, and look at the releases:

  npx sluice login --api ${shellWord(world.apiUrl)}
  npx sluice release list

Ask for a release of your own and watch it: version ${VARIANTS.slow.version} is slow, ${VARIANTS.failing.version} fails:

  npx sluice release start ${CHECKOUT} --env production --version ${VARIANTS.slow.version} --wait
`);

const untilInterrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

/** The tour; the process's exit code. */
const start = async (exit: boolean): Promise<number> => {
  const began = Date.now();
  const world = await startWorld({ log: say });
  const password = newPassword();
  let code = 1;
  try {
    say('creating people and the demo service');
    for (const [name, roles] of PEOPLE) await createPerson(world.pool, name, password, roles);
    await createCheckout(world.endpoint);
    const traffic = startTraffic({
      endpoint: world.endpoint,
      functionName: CHECKOUT,
      alias: ALIAS,
      requestsPerSecond: 30,
    });
    try {
      const operator = apiAs(world, OPERATOR, password);
      const result = await tour(world, operator, say);
      await sealNow(world.endpoint);
      const exported = path.join(runDirectory(`export-${process.pid}`), 'ledger');
      const { text, ok, key } = await verifySigned(operator, exported);
      say(`\n${text}`);
      say(
        `check it yourself: npx sluice audit verify --export ${path.relative('', exported)} --key '${key}'`,
      );
      code = result.asExpected && ok ? 0 : 1;
      say(
        result.asExpected
          ? `The good release was promoted, the failing one rolled back (${Math.round((Date.now() - began) / 1_000)} s in all).`
          : 'This is not what should have happened: the good release must be promoted, the failing one rolled back.',
      );
      if (!exit) {
        tellDoors(world, password);
        const died = await Promise.race([untilInterrupted(), world.died]);
        if (died instanceof Error) throw died;
        say('stopping');
      }
      const failure = traffic.failure();
      if (failure !== undefined) say(`the demo's traffic had ended early: ${String(failure)}`);
    } finally {
      await traffic.stop();
    }
  } finally {
    await world.stop();
  }
  return code;
};

const { values } = parseArgs({ options: { exit: { type: 'boolean', default: false } } });
try {
  process.exitCode = await start(values.exit);
} catch (error) {
  console.error(error instanceof LocalSetupError ? error.message : error);
  process.exitCode = 1;
}
