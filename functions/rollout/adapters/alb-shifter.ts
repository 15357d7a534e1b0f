import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { digestOf } from '#platform/digest.ts';
import { ConflictError, NotFoundError } from '#platform/errors.ts';
import type { AlbTarget } from '#policy/alb-target-schema.ts';
import { examineAlb, type FoundRule, inspectAlb } from '#rollout/adapters/alb-inspection.ts';
import { type AlbRule, albRules, groupWeightsOf, isSticky, othersOf } from '#rollout/adapters/alb-rule.ts';
import { routingOf, type Split, type Weights, weightsFor } from '#rollout/adapters/alb-weights.ts';
import { isAlone } from '#rollout/routing.ts';
import { ALWAYS_PREPARED, type TrafficShifter } from '#rollout/traffic-shifter.ts';

/**
 * Longest that a write can be under way which was compared before a restore wrote: its client gives up after 2 s
 * (platform/clients.ts).
 */
const WRITE_UNDER_WAY_MS = 2_500;

/** The longest that a load balancer's cookie lasts; a restore and a promotion end it at once. */
const STICKY_SECONDS = 604_800;

export interface AlbShifter extends TrafficShifter<AlbTarget> {
  /** What stands behind the routing; undefined when there is no such rule. */
  find(target: AlbTarget): Promise<FoundRule | undefined>;
}

interface Write extends Split {
  readonly sticky: boolean;
}

/** By the target's names; by ARN where a group is none of the target's. */
const weightsOf = ({ targetGroups }: AlbTarget, rule: AlbRule): Weights => {
  const names = new Map(Object.entries(targetGroups).map(([name, arn]) => [arn, name]));
  return Object.fromEntries(
    [...groupWeightsOf(rule)].map(([arn, weight]) => [names.get(arn) ?? arn, weight]),
  );
};

/** The one group that a tester rule forwards to; all of them where there are several. */
const testersOf = (target: AlbTarget, rule: AlbRule): string =>
  Object.entries(weightsOf(target, rule))
    .filter(([, weight]) => weight > 0)
    .map(([group]) => group)
    .toSorted()
    .join(' + ');

/** All that a write replaces, whatever order AWS tells it in: what changed in any of it was changed by someone. */
const revisionOf = (rule: AlbRule, weights: Weights, testers = ''): string =>
  `${digestOf({ weights, sticky: isSticky(rule), others: othersOf(rule) })}/${testers}`;

/** The revision that a write of testers alone leaves. */
const withTestersAt = (revision: string, testers: string): string =>
  `${revision.slice(0, revision.indexOf('/'))}/${testers}`;

/**
 * Moves the weights of a listener rule's forward action. Elastic Load Balancing has no revisions: every write differs
 * from what it replaces (alb-weights.ts), and one on a condition reads right before it writes. What comes between that
 * read and the write's arrival is not seen here. The fence, compared after every write, takes such a shift back; and a
 * restore, which moves traffic at once, is not done before every write that it could not see has arrived.
 *
 * Testers have a rule of their own. On the way forward it is written first, on the way back last: so a shift that was
 * cut off between the two has moved testers alone, and can be made again.
 */
export const albShifter = (
  client: ElasticLoadBalancingV2Client,
  choose: (count: number) => number = (count) => randomInt(count),
  pause: (milliseconds: number) => Promise<unknown> = (milliseconds) => sleep(milliseconds),
): AlbShifter => {
  const rules = albRules(client);

  const findTesterRule = async ({ testerRuleArn }: AlbTarget): Promise<AlbRule | undefined> =>
    testerRuleArn === undefined ? undefined : rules.find(testerRuleArn);

  const findRule = async (target: AlbTarget): Promise<FoundRule | undefined> => {
    const [found, testerRule] = await Promise.all([rules.find(target.ruleArn), findTesterRule(target)]);
    if (found === undefined) return undefined;
    const weights = weightsOf(target, found);
    const testers = testerRule && testersOf(target, testerRule);
    const routing = {
      ...routingOf(Object.keys(target.targetGroups), weights),
      ...(testers !== undefined && { testers }),
      ...(isSticky(found) && { sticky: true as const }),
      revision: revisionOf(found, weights, testers),
    };
    return { ...found, testerRule, weights, routing };
  };

  /** @throws ConflictError when it was changed since `revision`; NotFoundError when it is gone. */
  const readRule = async (target: AlbTarget, revision?: string): Promise<FoundRule> => {
    const rule = await findRule(target);
    if (rule === undefined) throw new NotFoundError(`there is no ${target.ruleArn}`);
    if (revision !== undefined && revision !== rule.routing.revision)
      throw new ConflictError(`${target.ruleArn} was changed meanwhile`);
    return rule;
  };

  const groupOf = ({ targetGroups }: AlbTarget, version: string): string => {
    const arn = Object.hasOwn(targetGroups, version) ? targetGroups[version] : undefined;
    if (arn === undefined) throw new NotFoundError(`the target names no target group ${version}`);
    return arn;
  };

  const write = async (target: AlbTarget, { sticky, ...split }: Write, revision?: string): Promise<void> => {
    for (const version of [split.primary, split.canary]) groupOf(target, version);
    const rule = await readRule(target, revision);
    const weights = weightsFor(Object.keys(target.targetGroups), split, rule.weights, choose);
    await rules.forward(target.ruleArn, rule, {
      TargetGroups: Object.entries(target.targetGroups).map(([name, TargetGroupArn]) => ({
        TargetGroupArn,
        Weight: weights[name] ?? 0,
      })),
      // Clients that stick to a group would stay on the canary whatever its weight, also after a restore.
      TargetGroupStickinessConfig: sticky
        ? { Enabled: true, DurationSeconds: STICKY_SECONDS }
        : { Enabled: false },
    });
  };

  const sendTesters = async (target: AlbTarget, version: string): Promise<void> => {
    const rule = await findTesterRule(target);
    if (target.testerRuleArn === undefined || rule === undefined) return;
    if (testersOf(target, rule) === version && !isSticky(rule)) return;
    await rules.forward(target.testerRuleArn, rule, {
      TargetGroups: [{ TargetGroupArn: groupOf(target, version), Weight: 1 }],
      TargetGroupStickinessConfig: { Enabled: false },
    });
  };

  const alone = (version: string): Write => ({
    primary: version,
    canary: version,
    weightPercent: 0,
    sticky: false,
  });

  const bringForward = async (
    target: AlbTarget,
    split: Write,
    testers: string,
    revision: string,
  ): Promise<void> => {
    const { testers: present } = target.testerRuleArn ? (await readRule(target, revision)).routing : {};
    if (present === undefined) return write(target, split, revision);
    await sendTesters(target, testers);
    await write(target, split, withTestersAt(revision, testers));
  };

  const bringBack = async (target: AlbTarget, version: string, revision?: string): Promise<void> => {
    await write(target, alone(version), revision);
    await sendTesters(target, version);
  };

  const restore = async (target: AlbTarget, stable: string, revision?: string): Promise<void> => {
    await bringBack(target, stable, revision);
    await pause(WRITE_UNDER_WAY_MS);
    if (isAlone((await readRule(target)).routing, stable)) return;
    if (revision !== undefined)
      throw new ConflictError(`${target.ruleArn} was changed right after the restore`);
    await bringBack(target, stable);
  };

  return {
    ...ALWAYS_PREPARED,
    find: findRule,
    readRouting: async (target) => (await readRule(target)).routing,
    examine: async (target) => examineAlb(client, target, await findRule(target)),
    inspect: async (target, version) => inspectAlb(client, target, version, await findRule(target)),
    setWeight: async (target, { stable, canary, weightPercent, preview, sticky = false }, revision) => {
      const testers = weightPercent > 0 || preview ? canary : stable;
      await bringForward(target, { primary: stable, canary, weightPercent, sticky }, testers, revision);
    },
    promote: (target, version, revision) => bringForward(target, alone(version), version, revision),
    restore,
  };
};
