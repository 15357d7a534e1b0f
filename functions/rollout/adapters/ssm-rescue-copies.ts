import { GetParametersByPathCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { orTransient } from '#platform/aws-errors.ts';
import { regionOf } from '#policy/target.ts';
import { parseRescueText, type RescueCopies, rescueParameter, rescueText } from '#rollout/rescue-copy.ts';

/** Far above the services of an account; each page has ten. */
const PAGES_MAX = 100;

/**
 * Rescue copies as parameters under `prefix`, one for each service and environment.
 * @param clientIn the parameter store of a region; without one, of the stack's own
 */
export const ssmRescueCopies = (
  clientIn: (region: string | undefined) => SSMClient,
  { prefix, region }: { readonly prefix: string; readonly region: string },
): RescueCopies => ({
  keep: async (carried) => {
    const { service, environment } = carried.subject;
    const put = new PutParameterCommand({
      Name: rescueParameter(prefix, service, environment),
      Value: rescueText({ ...carried, region }),
      Type: 'String',
      Overwrite: true,
      // Free up to 4 KB; what is longer costs five cents a month.
      Tier: 'Intelligent-Tiering',
    });
    const others = carried.waves.map(({ target }) => regionOf(target)).filter((other) => other !== region);
    for (const other of new Set([undefined, ...others]))
      await orTransient('the parameter store', clientIn(other).send(put));
  },
  ofRelease: async (releaseId) => {
    let next: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const { Parameters = [], NextToken } = await orTransient(
        'the parameter store',
        clientIn(undefined).send(
          new GetParametersByPathCommand({
            Path: prefix,
            Recursive: true,
            ...(next !== undefined && { NextToken: next }),
          }),
        ),
      );
      const text = Parameters.find(({ Value }) => Value?.includes(releaseId))?.Value;
      const copy = text === undefined ? undefined : parseRescueText(text);
      if (copy?.subject.releaseId === releaseId) return { subject: copy.subject, waves: copy.waves };
      if (NextToken === undefined) return undefined;
      next = NextToken;
    }
    return undefined;
  },
});
