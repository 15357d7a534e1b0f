import { describe, expect, it } from 'vitest';
import type { LedgerEventType } from '#ledger/event-types.ts';
import { systemActor } from '#platform/actor.ts';
import { TransientError } from '#platform/errors.ts';
import { releaseRecord } from '#releases/release-records.ts';
import type { Decision } from '#rollout/decision.ts';
import { firstLookState } from '#rollout/look.ts';
import { tellLook } from '#rollout/tell-look.ts';
import { aLookAt } from '../builders/look.ts';
import { NOW } from '../builders/release.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';

const stage = { weightPercent: 50, rounds: 1, roundSeconds: 10 };
const look = aLookAt(stage, {}, { state: { ...firstLookState(), looks: 4 } });
const { release } = look;
const draft = (type: LedgerEventType, score: number) =>
  releaseRecord(type, release, systemActor('judge-health'), NOW, { score });
const decision = (verdict: Decision['verdict']): Decision => ({
  verdict,
  reasons: [],
  state: look.state,
  holdBegins: false,
});

const world = () => {
  const ledger = memoryLedger();
  const troubles: string[] = [];
  const ports = { ledger, spool: ledger, onTrouble: (what: string) => troubles.push(what) };
  return { ledger, ports, troubles, types: () => ledger.records.map(({ event }) => event.type) };
};

describe('what a look tells', () => {
  it.each([
    ['promote', 'release.stage.promoted'],
    ['restore', 'release.look.decided'],
  ] as const)(
    'holds its decision, though a first try that died had only judged a round: %s',
    async (verdict, type) => {
      const { ports, types } = world();
      await tellLook(ports, look, decision('continue'), [draft('release.round.judged', 97)]);
      await tellLook(ports, look, decision(verdict), [draft('release.round.judged', 96), draft(type, 96)]);
      expect(types()).toEqual(['release.round.judged', type]);
    },
  );

  it('is told once, though a second try sees other numbers', async () => {
    const { ports, types } = world();
    const promote = decision('promote');
    await tellLook(ports, look, promote, [draft('release.stage.promoted', 97)]);
    await tellLook(ports, look, promote, [draft('release.stage.promoted', 98)]);
    expect(types()).toEqual(['release.stage.promoted']);
  });

  it('is told once when traffic must go back, too, and does not go to the queue for that', async () => {
    const { ports, ledger, types } = world();
    for (const score of [10, 11])
      await tellLook(ports, look, decision('restore'), [draft('release.look.decided', score)]);
    expect(types()).toEqual(['release.look.decided']);
    expect(ledger.spooled).toEqual([]);
  });

  it('keeps a stage from passing while the ledger is down', async () => {
    const { ports, ledger } = world();
    ledger.down = true;
    const told = tellLook(ports, look, decision('promote'), [draft('release.stage.promoted', 97)]);
    await expect(told).rejects.toBeInstanceOf(TransientError);
  });

  it('goes to the queue when the ledger is down and traffic must go back', async () => {
    const { ports, ledger, types } = world();
    ledger.down = true;
    await tellLook(ports, look, decision('restore'), [draft('release.look.decided', 10)]);
    expect(ledger.spooled).toHaveLength(1);
    ledger.down = false;
    await ledger.drain();
    expect(types()).toEqual(['release.look.decided']);
  });
});
