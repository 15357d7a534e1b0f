import * as z from 'zod';

/** A call of AWS's API as CloudTrail tells it to EventBridge (CloudTrail User Guide, "Record contents"); only what is read. */
export const cloudTrailCallSchema = z.object({
  eventID: z.string().regex(/^[0-9a-f-]{36}$/i),
  eventTime: z.iso.datetime(),
  eventSource: z.string(),
  eventName: z.string(),
  errorCode: z.string().nullish(),
  requestParameters: z.record(z.string(), z.unknown()).nullish(),
  resources: z.array(z.object({ ARN: z.string().nullish() })).nullish(),
  userIdentity: z.object({
    type: z.string().nullish(),
    arn: z.string().nullish(),
    userName: z.string().nullish(),
    accountId: z.string().nullish(),
    invokedBy: z.string().nullish(),
    sessionContext: z
      .object({
        sessionIssuer: z
          .object({
            type: z.string().nullish(),
            userName: z.string().nullish(),
            accountId: z.string().nullish(),
          })
          .nullish(),
      })
      .nullish(),
  }),
});
export type CloudTrailCall = z.output<typeof cloudTrailCallSchema>;

/** `UpdateAlias20150331` → `UpdateAlias`: Lambda's calls carry the version of its API. */
export const callName = ({ eventName }: CloudTrailCall): string => eventName.replace(/\d{8}(v\d+)?$/, '');

/** Deeper and longer than any request that matters, and an end for one that was made up. */
const DEPTH_MAX = 6;
const NAMES_MAX = 500;

/** Every text in the request, and the resources that CloudTrail names beside it. */
export const namesIn = ({ requestParameters, resources }: CloudTrailCall): readonly string[] => {
  const names: string[] = (resources ?? []).flatMap(({ ARN }) => ARN ?? []);
  const collect = (value: unknown, depth: number): void => {
    if (names.length >= NAMES_MAX) return;
    if (typeof value === 'string') names.push(value);
    else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX)
      for (const member of Object.values(value)) collect(member, depth + 1);
  };
  collect(requestParameters, 0);
  return names;
};

/** The parts of a name, an ARN, a URL or a path. */
export const partsOf = (name: string): readonly string[] => name.split(/[:/]/);

/**
 * Who called, as people know them: a user's name, a role and its session, the service that called by itself. A session
 * whose role is one of these is a call of ours.
 */
export const isOneOf = (
  { userIdentity }: CloudTrailCall,
  account: string,
  roles: readonly string[],
): boolean => {
  const issuer = userIdentity.sessionContext?.sessionIssuer;
  return (
    userIdentity.type === 'AssumedRole' &&
    issuer?.type === 'Role' &&
    issuer.accountId === account &&
    roles.includes(issuer.userName ?? '')
  );
};

export const callerOf = ({
  userIdentity,
}: CloudTrailCall): { readonly login: string; readonly kind: 'user' | 'pipeline' | 'system' } => {
  const { type, arn, userName, invokedBy } = userIdentity;
  const session = /:assumed-role\/(.+)$/.exec(arn ?? '')?.[1];
  if (type === 'AssumedRole' && session !== undefined)
    return { login: session, kind: session.startsWith('AWSReservedSSO_') ? 'user' : 'pipeline' };
  if (type === 'IAMUser' && userName) return { login: userName, kind: 'user' };
  if (type === 'Root') return { login: 'root', kind: 'user' };
  if (invokedBy) return { login: invokedBy, kind: 'system' };
  return { login: arn || type || 'unknown', kind: 'pipeline' };
};
