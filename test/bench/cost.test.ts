import { describe, expect, it } from 'vitest';
import { planOf } from '#policy/plan.ts';
import { stepsOf } from '#releases/step.ts';
import { releaseTasks } from '#releases/tasks.ts';
import { rolloutTasks } from '#rollout/tasks.ts';
import { type Calls, callsOf } from '../../bench/cost/calls.ts';
import { countExperiment } from '../../bench/cost/experiment.ts';
import { idleMonth } from '../../bench/cost/idle-month.ts';
import { ledgerMonth } from '../../bench/cost/ledger-month.ts';
import { looksOf } from '../../bench/cost/looks.ts';
import { addUsage, billOf, PRICES, times, totalOf } from '../../bench/cost/prices.ts';
import { countRelease } from '../../bench/cost/standard-release.ts';
import { readWorkflow, walkWorkflow, workflowSchema } from '../../bench/cost/walk-workflow.ts';
import { experimentPlan } from '../builders/experiment.ts';

describe('a month of records', () => {
  it('is signed as often as the stage signs, and whatever that is, each is indexed and published once', () => {
    const [often, seldom] = [ledgerMonth(1_000_000, 1), ledgerMonth(1_000_000, 5)];
    expect(often).toMatchObject({ signatures: 43_800, events: 1_000_000 });
    expect(seldom).toMatchObject({ signatures: 8_760, scheduled: 8_760, events: 1_000_000 });
    // Written in a transaction, which costs twice, and once for the index by release; six rows of the search index.
    expect(seldom.writeUnits).toBeGreaterThan(1_000_000 * (2 * 3 + 6));
    expect(totalOf(often)).toBeGreaterThan(totalOf(seldom));
  });

  it('grows with its records, and the signatures do not', () => {
    const [small, large] = [ledgerMonth(100_000, 5), ledgerMonth(1_000_000, 5)];
    expect(large.signatures).toBe(small.signatures);
    expect(totalOf(large) / totalOf(small)).toBeGreaterThan(8);
  });
});

describe('a bill', () => {
  it('is amounts times prices, dearest first, and nothing for nothing', () => {
    const bill = billOf({ events: 2_000_000, alarms: 3, keys: 0 });
    expect(bill.map(({ what, amount }) => [what, amount])).toEqual([
      ['events', 2_000_000],
      ['alarms', 3],
    ]);
    expect(bill[0]?.dollars).toBeCloseTo(2, 9);
    expect(bill[1]?.dollars).toBeCloseTo(0.3, 9);
    expect(totalOf({ events: 2_000_000, alarms: 3 })).toBeCloseTo(2.3, 9);
  });

  it('adds up and multiplies line by line', () => {
    expect(addUsage({ events: 1, reads: 0 } as never, { events: 2, alarms: 1 })).toEqual({
      events: 3,
      alarms: 1,
    });
    expect(times({ events: 2, alarms: 1 }, 3)).toEqual({ events: 6, alarms: 3 });
  });

  it('says of each price which page it is from', () => {
    for (const { dollars, page } of Object.values(PRICES)) {
      expect(dollars).toBeGreaterThan(0);
      expect(page).toMatch(/pricing: /);
    }
  });
});

describe('the looks of a stage', () => {
  // Shifted just after 0 s, so the first whole period is 60–120 s; looks at 1, 61, 121 … s; settled 150 s later.
  const timing = { periodSeconds: 60, settleSeconds: 150, waitSeconds: 60 };

  it('go on until the last round is settled, and ask for metrics once anything is', () => {
    // 60–120 s is settled from 270 s on: the look at 301 s is the first that asks and judges, the sixth of all.
    expect(looksOf({ weightPercent: 5, rounds: 1, roundSeconds: 60 }, timing)).toEqual({
      looks: 6,
      asking: 1,
      batches: [1],
    });
  });

  it('judge rounds as they settle, several at once when rounds are shorter than periods', () => {
    expect(looksOf({ weightPercent: 5, rounds: 3, roundSeconds: 60 }, timing).batches).toEqual([1, 1, 1]);
    expect(looksOf({ weightPercent: 5, rounds: 4, roundSeconds: 30 }, timing).batches).toEqual([2, 2]);
    const uneven = looksOf({ weightPercent: 50, rounds: 5, roundSeconds: 90 }, timing);
    expect(uneven.batches.reduce((sum, rounds) => sum + rounds, 0)).toBe(5);
  });
});

describe('walking a workflow', () => {
  const definition = workflowSchema.parse({
    StartAt: 'Begin',
    States: {
      Begin: { Type: 'Pass', Next: 'Work' },
      Work: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of CloudFormation.
        Arguments: { FunctionName: '${DoIt}' },
        Next: 'Again',
      },
      Again: { Type: 'Choice', Choices: [{ Next: 'Work' }], Default: 'End' },
      End: { Type: 'Pass' },
    },
  });

  it('counts the states entered, the tasks called and what is logged, along the ways that are said', () => {
    expect(walkWorkflow(definition, ['Work', 'End'])).toEqual({
      transitions: 1 + 6,
      calls: { DoIt: 2 },
      nested: {},
      logEntries: 2 + 2 + 5 + 2 + 5 + 2 + 2,
    });
  });

  it('refuses a way that there is not, too few ways, and too many', () => {
    expect(() => walkWorkflow(definition, ['Begin'])).toThrow(/no way Begin/);
    expect(() => walkWorkflow(definition, [])).toThrow(/no way/);
    expect(() => walkWorkflow(definition, ['End', 'End'])).toThrow(/left over/);
  });

  it('finds its way through every workflow of ours', () => {
    expect(walkWorkflow(readWorkflow('release'), ['RunRollout']).nested).toEqual({ RolloutWorkflow: 1 });
    expect(walkWorkflow(readWorkflow('recovery'), []).calls).toEqual({
      RestoreTraffic: 1,
      RetireTargets: 1,
      ConcludeRelease: 1,
    });
  });
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('what functions ask for', () => {
  const table: Readonly<Record<string, Calls>> = callsOf({ put: 0, update: 0 });

  it('is written down for every task', () => {
    expect(Object.keys(table).toSorted()).toEqual(
      ['RequestRelease', ...Object.keys(releaseTasks), ...Object.keys(rolloutTasks)].toSorted(),
    );
  });

  it('is what was counted between the functions and the emulator on the tour, whose good release had 32 looks', () => {
    const calls = {
      RequestRelease: 1,
      AdmitRelease: 1,
      TakeSnapshot: 1,
      ShiftTraffic: 3,
      JudgeHealth: 32,
      PromoteVersion: 1,
      ConcludeRelease: 1,
    };
    const total = (of: (asked: Calls) => number) =>
      sum(Object.entries(calls).map(([task, count]) => count * of(table[task] ?? expect.fail(task))));
    expect(total(({ reads }) => reads)).toBe(50 + 2);
    expect(total(({ updates }) => updates)).toBe(40);
    // Five rounds, each told by a look of its own, and three of these looks also told that the stage was promoted.
    expect(total(({ batches }) => batches.length) + 5).toBe(17);
    expect(total(({ batches }) => sum(batches)) + 5 + 3).toBe(20);
  });
});

describe('a release', () => {
  it('by plan standard is counted from the plan, the stage clock and the workflow files', () => {
    const { looks, records, calls, usage } = countRelease();
    const steps = stepsOf({ plan: planOf('standard'), waves: [{ bakeSeconds: 0 }] });
    expect(calls).toEqual({
      RequestRelease: 1,
      AdmitRelease: 1,
      TakeSnapshot: 1,
      ShiftTraffic: steps.length,
      JudgeHealth: looks,
      PromoteVersion: 1,
      ConcludeRelease: 1,
    });
    const rounds = sum(steps.map((step) => step.rounds));
    expect(records).toBe(3 + 2 * steps.length + rounds + steps.length + 2 + 1);
    expect(usage.events).toBe(records);
  });

  it.each(['standard', 'rapid'] as const)('by plan %s costs three cents at most', (name) => {
    expect(totalOf(countRelease(planOf(name)).usage)).toBeLessThan(0.03);
  });
});

describe('an experiment', () => {
  it('of two weeks costs two dollars at most, and is looked at every five minutes after its first hour', () => {
    const { looks, records, usage } = countExperiment(experimentPlan());
    expect(looks).toBeGreaterThan(60 + (1_209_600 - 3_600) / 300);
    expect(looks).toBeLessThan(65 + (1_209_600 - 3_600) / 300);
    // Its rounds and its answer; accepted, started, snapshot, concluded; two of the shift, two of the restore.
    expect(records).toBe(336 + 1 + 4 + 2 + 2);
    expect(totalOf(usage)).toBeLessThan(2);
  });

  it('costs the less the more rarely it is looked at', () => {
    const costs = (lookSeconds: number) => totalOf(countExperiment(experimentPlan({ lookSeconds })).usage);
    expect(costs(3_600)).toBeLessThan(costs(300) / 3);
    expect(() => countExperiment(planOf('standard'))).toThrow(/no experiment/);
  });
});

describe('an idle month', () => {
  it('is what its resources cost by themselves', () => {
    expect(
      idleMonth({
        a: { Type: 'AWS::CloudWatch::Alarm', Properties: { Period: 60 } },
        b: { Type: 'AWS::CloudWatch::Alarm', Properties: { Period: 10 } },
        c: { Type: 'AWS::KMS::Key' },
        d: { Type: 'AWS::SQS::Queue' },
      }),
    ).toEqual({ alarms: 1, fastAlarms: 1, keys: 1 });
  });

  it('counts what runs by itself: a sweep every five minutes, a queue that is asked all the time', () => {
    const schedule = {
      Type: 'AWS::Scheduler::Schedule',
      Properties: { ScheduleExpression: 'rate(5 minutes)' },
    };
    expect(idleMonth({ schedule })).toMatchObject({ scheduled: 8_760, invocations: 8_760 });
    expect(idleMonth({ queue: { Type: 'AWS::Lambda::EventSourceMapping', Properties: {} } })).toEqual({
      queueRequests: 657_000,
    });
    const stream = {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { StartingPosition: 'TRIM_HORIZON' },
    };
    expect(idleMonth({ stream })).toEqual({});
  });

  it('refuses a resource that nobody has thought about', () => {
    expect(() => idleMonth({ gateway: { Type: 'AWS::EC2::NatGateway' } })).toThrow(/NatGateway/);
    const schedule = {
      Type: 'AWS::Scheduler::Schedule',
      Properties: { ScheduleExpression: 'cron(0 0 * * ? *)' },
    };
    expect(() => idleMonth({ schedule })).toThrow(/cron/);
  });
});
