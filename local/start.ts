import { parseArgs } from 'node:util';
import { ALIAS, CHECKOUT, createCheckout, VARIANTS } from './demo/checkout.ts';
import { startTraffic } from './demo/traffic.ts';
import { LocalSetupError } from './endpoint.ts';
import { createPerson, newPassword } from './people.ts';
import { apiAs, tour } from './tour.ts';
import { verifyLedger } from './verify-ledger.ts';
import { startWorld, type World } from './world.ts';

const PEOPLE = [
  ['olive', ['operator', 'auditor']],
  ['robin', ['requester']],
  ['vera', ['viewer']],
] as const;
const [OPERATOR] = PEOPLE[0];

const say = (line: string): void => console.log(line);

const tellDoors = (world: World, password: string): void => {
  const body = (username: string) =>
    JSON.stringify({
      ClientId: world.pool.clientId,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: username, PASSWORD: password },
    });
  say(`
Everything stays up until Ctrl-C.

  The API          ${world.apiUrl}
  Its description  ${world.apiUrl}/v1/openapi.json
  People           ${PEOPLE.map(([name, roles]) => `${name} (${roles.join(', ')})`).join(', ')}
  Their password   ${password}

Sign in, and look at the releases:

  export TOKEN=$(curl -s ${world.endpoint} \\
    -H 'X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth' \\
    -H 'Content-Type: application/x-amz-json-1.1' \\
    -d '${body(OPERATOR)}' \\
    | node -p 'JSON.parse(require("fs").readFileSync(0)).AuthenticationResult.AccessToken')
  curl -s -H "Authorization: Bearer $TOKEN" ${world.apiUrl}/v1/releases

Ask for a release of your own: version ${VARIANTS.slow.version} is slow, ${VARIANTS.failing.version} fails:

  curl -s -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"service":"${CHECKOUT}","environment":"production","version":"${VARIANTS.slow.version}"}' ${world.apiUrl}/v1/releases
`);
};

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
      const { text, ok } = await verifyLedger(operator);
      say(`\n${text}`);
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
