import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { ROLES } from '../../functions/platform/route.ts';
import type { StageConfig } from '../config.ts';

/** Who people are. Groups of the pool are roles; nobody can sign themselves up. */
export class Identity extends Construct {
  readonly pool: cognito.UserPool;
  readonly client: cognito.UserPoolClient;

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
    this.client = this.pool.addClient('Cli', {
      userPoolClientName: `${config.name}-cli`,
      generateSecret: false,
      // A password sent by an administrator's own AWS credentials; the local stage signs its users in by password.
      authFlows: { adminUserPassword: true, userSrp: true, userPassword: config.stage === 'local' },
      disableOAuth: true,
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
