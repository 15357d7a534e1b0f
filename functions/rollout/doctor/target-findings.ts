import type { Target } from '#policy/target.ts';
import { managedText, type Ownership, pinnedText } from '#policy/target-ownership.ts';
import type { missingSetting } from '#policy/target-settings.ts';
import { type Finding, finding } from '#rollout/doctor/finding.ts';
import type { MissingGrant } from '#rollout/doctor/needed-grants.ts';
import { compare, describeExpected, type Expected } from '#rollout/drift.ts';
import { describeRouting } from '#rollout/routing.ts';
import type { Examination } from '#rollout/traffic-shifter.ts';

/** Whether the stage's configuration lets Sluice move the target at all. */
export const settingFinding = (missing: ReturnType<typeof missingSetting>): Finding =>
  missing === undefined
    ? finding('setting', 'ok', "the stage's configuration names the target")
    : finding(
        'setting',
        'fail',
        `add ${JSON.stringify(missing.value)} to setting ${missing.setting} of the stage's configuration, and deploy it`,
        missing,
      );

/** Whether a release could begin. Weights of a release that is at work are its own business. */
export const targetFindings = (
  examination: Examination,
  activeReleaseId: string | undefined,
): readonly Finding[] => {
  if (examination.kind === 'absent')
    return [
      finding(
        'target',
        'fail',
        `${examination.text}; create it, or correct the target in the service's definition`,
      ),
    ];
  const { routing } = examination;
  const unfit = examination.unfit.filter(
    ({ code }) => code !== 'already-weighted' || activeReleaseId === undefined,
  );
  if (unfit.length > 0) return unfit.map(({ code, text }) => finding('target', 'fail', text, { code }));
  const text =
    activeReleaseId === undefined
      ? `a release can begin: all traffic is at ${describeRouting(routing)}`
      : `release ${activeReleaseId} is at work: traffic is at ${describeRouting(routing)}`;
  return [finding('target', 'ok', text, { primary: routing.primary, weights: routing.weights })];
};

/** Whether what runs is what the last release left. */
export const deploymentFinding = (
  examination: Examination,
  expected: Expected | undefined,
  activeReleaseId: string | undefined,
): Finding => {
  if (activeReleaseId !== undefined)
    return finding('deployment', 'ok', `release ${activeReleaseId} is at work on it`);
  const compared = compare(expected, examination.kind === 'absent' ? undefined : examination.routing);
  switch (compared.kind) {
    case 'as-left':
      return finding('deployment', 'ok', `what runs is ${describeExpected(compared.expected)}`);
    case 'unheld':
      return finding(
        'deployment',
        'ok',
        `version ${compared.version} runs and was never released by Sluice; from the next comparison on (every 15 minutes) it is what runs by right`,
      );
    case 'drifted':
      return finding(
        'deployment',
        'fail',
        `changed without a release: traffic is at ${compared.found}; it should be at ${describeExpected(expected)}. Bring it back; if it was right, know that the next release takes what runs then for stable`,
        { found: compared.found, ...(expected && { expected: expected.version }) },
      );
  }
};

/** What those lack who move the target. */
export const permissionFinding = (missing: readonly MissingGrant[] | undefined): Finding => {
  if (missing === undefined)
    return finding(
      'permissions',
      'unknown',
      'IAM could not be asked what the roles of Sluice may do; try again',
    );
  if (missing.length === 0)
    return finding('permissions', 'ok', 'everyone of Sluice who moves the target may read and write it');
  const list = missing.map(({ who, action, resource }) => `${who} may not ${action} on ${resource}`);
  return finding(
    'permissions',
    'fail',
    `${list.join('; ')}. Deploy the stage again; if that changes nothing, a boundary or a policy of the organization forbids it`,
    { missing },
  );
};

const TERRAFORM =
  "Terraform and other tools can't be seen from here: docs/targets.md says what they have to leave alone";

/** Whose deployments move the target too. */
export const ownershipFinding = (target: Target, owner: Ownership): Finding => {
  switch (owner.kind) {
    case 'unmanaged':
      return finding('ownership', 'ok', `no CloudFormation stack has the target. ${TERRAFORM}`);
    case 'pinned':
      return finding('ownership', 'ok', `${pinnedText(target, owner)}. ${TERRAFORM}`, { ...owner });
    case 'managed':
      return finding('ownership', 'fail', managedText(target, owner), { ...owner });
    case 'unknown':
      return finding('ownership', 'unknown', owner.text);
  }
};
