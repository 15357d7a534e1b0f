/**
 * The ARN of a target's resource, in the stack's account.
 * @param functionArnPrefix `arn:aws:lambda:REGION:ACCOUNT:function`, of the stack's own region
 * @param region that of the target; undefined for the stack's own
 */
export const targetArn = (
  functionArnPrefix: string,
  service: string,
  region: string | undefined,
  resource: string,
): string => {
  const [, partition, , own, account] = functionArnPrefix.split(':');
  return ['arn', partition, service, region ?? own, account, resource].join(':');
};
