import { Aws, Duration, Fn, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { CALLBACK_URLS, SCOPE } from '../../functions/api/sign-in-schema.ts';
import { ROLES } from '../../functions/platform/route.ts';
import type { StageConfig } from '../config.ts';

/** The last part of the stack's own id: no other stack anywhere has it, and it stays as long as the stack does. */
const uniquePart = (): string => Fn.select(4, Fn.split('-', Fn.select(2, Fn.split('/', Aws.STACK_ID))));

/** Who people are. Groups of the pool are roles; nobody can sign themselves up. */
export class Identity extends Construct {
  readonly pool: cognito.UserPool;
  readonly client: cognito.UserPoolClient;
  /** Where the hosted sign-in page is; empty in the local stage, whose emulator has it at the root of its own address. */
  readonly signInUrl: string;

  constructor(scope: Construct, id: string, { config }: { config: StageConfig }) {
    super(scope, id);
    this.pool = new cognito.UserPool(this, 'Pool', {
      userPoolName: `${config.name}-people`,
      selfSignUpEnabled: false,
      signInAliases: { username: true },
      accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
      mfa: config.secondFactor === 'required' ? cognito.Mfa.REQUIRED : cognito.Mfa.OPTIONAL,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 14,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
      },
      deletionProtection: config.retainData,
      removalPolicy: config.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    for (const role of ROLES)
      new cognito.UserPoolGroup(this, `Group-${role}`, {
        userPool: this.pool,
        groupName: `sluice:${role}`,
        description: `Role ${role} of Sluice.`,
      });
    const domain = this.pool.addDomain('SignIn', {
      cognitoDomain: { domainPrefix: config.signInDomainPrefix ?? `${config.name}-${uniquePart()}` },
    });
    this.signInUrl = config.stage === 'local' ? '' : domain.baseUrl();
    const use = new cognito.ResourceServerScope({ scopeName: SCOPE.name, scopeDescription: SCOPE.means });
    const resourceServer = this.pool.addResourceServer('Api', {
      identifier: SCOPE.resource,
      scopes: [use],
    });
    this.client = this.pool.addClient('Cli', {
      userPoolClientName: `${config.name}-cli`,
      generateSecret: false,
      // The local stage signs its people in by password too, where there is nobody to fill in a page.
      authFlows: { userSrp: true, userPassword: config.stage === 'local' },
      supportedIdentityProviders: [cognito.UserPoolClientIdentityProvider.COGNITO],
      oAuth: {
        flows: { authorizationCodeGrant: true },
        // Not Cognito's own scopes: a token that leaks can't change a password or a second factor.
        scopes: [cognito.OAuthScope.resourceServer(resourceServer, use)],
        callbackUrls: [...CALLBACK_URLS],
      },
      preventUserExistenceErrors: true,
      accessTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(1),
      enableTokenRevocation: true,
    });
    Validations.of(this.pool).acknowledge(
      {
        id: 'AwsSolutions-COG8',
        reason: 'The Plus tier costs per user; nobody signs themselves up and a second factor is required.',
      },
      ...(config.secondFactor === 'required'
        ? []
        : [
            {
              id: 'AwsSolutions-COG2',
              reason: 'The local stage has made-up people on the loopback interface only.',
            },
          ]),
    );
  }
}
