import { randomBytes } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './credentials.ts';

export interface Pool {
  readonly endpoint: string;
  readonly userPoolId: string;
  readonly clientId: string;
}

const client = ({ endpoint }: Pool): CognitoIdentityProviderClient =>
  new CognitoIdentityProviderClient({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });

/** Random, and of every kind of character that the pool's policy asks for. */
export const newPassword = (): string => `Aa1-${randomBytes(12).toString('base64url')}`;

/** A person with these roles, who can sign in at once. */
export const createPerson = async (
  pool: Pool,
  username: string,
  password: string,
  roles: readonly string[],
): Promise<void> => {
  const cognito = client(pool);
  const who = { UserPoolId: pool.userPoolId, Username: username };
  try {
    await cognito.send(
      new AdminCreateUserCommand({ ...who, MessageAction: 'SUPPRESS', TemporaryPassword: password }),
    );
    await cognito.send(new AdminSetUserPasswordCommand({ ...who, Password: password, Permanent: true }));
    for (const role of roles)
      await cognito.send(new AdminAddUserToGroupCommand({ ...who, GroupName: `sluice:${role}` }));
  } finally {
    cognito.destroy();
  }
};

/** An access token of this person. */
export const signIn = async (pool: Pool, username: string, password: string): Promise<string> => {
  const cognito = client(pool);
  try {
    const { AuthenticationResult } = await cognito.send(
      new InitiateAuthCommand({
        ClientId: pool.clientId,
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: username, PASSWORD: password },
      }),
    );
    const token = AuthenticationResult?.AccessToken;
    if (token === undefined) throw new Error(`the local AWS gave ${username} no access token`);
    return token;
  } finally {
    cognito.destroy();
  }
};
