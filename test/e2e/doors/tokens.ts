import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  DescribeUserPoolClientCommand,
  InitiateAuthCommand,
  UpdateUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { awsSettings, eventually, tokenOf, world } from '../harness.ts';

const cognito = new CognitoIdentityProviderClient(awsSettings);
const { userPoolId: UserPoolId, clientId: ClientId } = world.pool;

type Claims = Readonly<Record<string, unknown>>;

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const decoded = (token: string, part: 0 | 1): Claims =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString());

const signIn = async (clientId: string) => {
  const { AuthenticationResult } = await cognito.send(
    new InitiateAuthCommand({
      ClientId: clientId,
      AuthFlow: 'USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: 'olive', PASSWORD: world.password },
    }),
  );
  const { AccessToken = '', IdToken = '' } = AuthenticationResult ?? {};
  return { AccessToken, IdToken };
};

/** The right header and claims, to the letter, by a key that the pool doesn't have. */
const foreignSigned = (genuine: string): string => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const text = genuine.split('.').slice(0, 2).join('.');
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
};

/** A viewer's own token, made an administrator's: header and signature are genuine. */
const edited = (genuine: string): string => {
  const [header, , signature] = genuine.split('.');
  return `${header}.${encoded({ ...decoded(genuine, 1), 'cognito:groups': ['sluice:admin'] })}.${signature}`;
};

const unsigned = (genuine: string): string =>
  `${encoded({ ...decoded(genuine, 0), alg: 'none' })}.${genuine.split('.')[1]}.`;

/** Genuine, of this pool, for another of its clients. */
const ofAnotherClient = async (): Promise<string> => {
  const { UserPoolClient } = await cognito.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: `other-${randomUUID()}`,
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
    }),
  );
  return (await signIn(UserPoolClient?.ClientId ?? '')).AccessToken;
};

/** Genuine once. The local pool lets a token live for a second, where AWS's least is five minutes. */
const expired = async (): Promise<string> => {
  const { UserPoolClient = {} } = await cognito.send(
    new DescribeUserPoolClientCommand({ UserPoolId, ClientId }),
  );
  const { ClientSecret: _, LastModifiedDate: __, CreationDate: ___, ...settings } = UserPoolClient;
  const update = (changed: object) =>
    cognito.send(new UpdateUserPoolClientCommand({ ...settings, UserPoolId, ClientId, ...changed }));
  await update({ AccessTokenValidity: 1, TokenValidityUnits: { AccessToken: 'seconds' } });
  const token = await signIn(ClientId)
    .then(({ AccessToken }) => AccessToken)
    .finally(() => update({}));
  const ends = Number(decoded(token, 1).exp) * 1_000;
  return eventually('the token has expired', async () => (Date.now() > ends ? token : undefined), 10);
};

/**
 * Every kind of token that is nobody's. `gateway`: the authorizer refuses it, and no function of ours is called. `ours`:
 * the authorizer lets it pass, because audience and signature are right, and the role check refuses it.
 */
export const refusedTokens = async (): Promise<
  readonly { readonly kind: string; readonly token: string | undefined; readonly by: 'gateway' | 'ours' }[]
> => {
  const genuine = await tokenOf('olive');
  const byGateway = {
    none: undefined,
    garbage: 'not.a.token',
    'a foreign key': foreignSigned(genuine),
    'edited after it was signed': edited(await tokenOf('vera')),
    unsigned: unsigned(genuine),
    'of another client': await ofAnotherClient(),
    expired: await expired(),
  };
  return [
    ...Object.entries(byGateway).map(([kind, token]) => ({ kind, token, by: 'gateway' as const })),
    { kind: 'an id token', token: (await signIn(ClientId)).IdToken, by: 'ours' },
  ];
};
