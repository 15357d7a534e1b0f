import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '#platform/errors.ts';
import { COMMANDED_EVENT, commandOf } from '#rollout/commanded-event.ts';
import { NOW, releaseIdOf } from '../builders/release.ts';

const detail = { releaseId: releaseIdOf(1), command: 'pause', reason: 'lunch' };
const event = (more: object = {}, envelope: object = {}) => ({
  id: 'e-1',
  'detail-type': COMMANDED_EVENT,
  source: 'chat.bot',
  account: '123456789012',
  time: NOW,
  detail: { ...detail, ...more },
  ...envelope,
});

describe('an event that commands a release', () => {
  it('is a command by whom it claims, else by its account and source, and never verified', () => {
    expect(commandOf(event({ requestedBy: 'bob' }), NOW)).toMatchObject({
      name: 'pause',
      releaseId: releaseIdOf(1),
      reason: 'lunch',
      at: NOW,
      by: { login: 'bob', kind: 'pipeline', authenticated: false, via: 'event' },
    });
    expect(commandOf(event(), NOW).by.login).toBe('123456789012:chat.bot');
  });

  it('is known again by its key, or by its own id; keys of another sender are others', () => {
    const keyOf = (received: object) => commandOf(received, NOW).key;
    const keyed = (id: string, source = 'chat.bot') => event({ idempotencyKey: 'k' }, { id, source });
    expect(keyOf(event())).toBe(keyOf(event()));
    expect(keyOf(event())).not.toBe(keyOf(event({}, { id: 'e-2' })));
    expect(keyOf(keyed('e-1'))).toBe(keyOf(keyed('e-2')));
    expect(keyOf(keyed('e-1'))).not.toBe(keyOf(keyed('e-1', 'other.bot')));
  });

  it.each([
    ['no object', 'text', ''],
    ['a record of ours', event({}, { 'detail-type': 'sluice.release.paused' }), 'detail-type'],
    ['no such command', event({ command: 'explode' }), 'detail.command'],
    ['no release id', event({ releaseId: '4711' }), 'detail.releaseId'],
    ['no reason', event({ reason: '' }), 'detail.reason'],
    ['an unknown key', event({ force: true }), 'detail.force'],
    ['half a character', event({ reason: '\ud800' }), 'detail.reason'],
    ['a key with a space', event({ idempotencyKey: 'a b' }), 'detail.idempotencyKey'],
  ])('is refused with %s, by name', (_, received, path) => {
    try {
      commandOf(received, NOW);
      expect.fail('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect((error as InvalidRequestError).faults.map((fault) => fault.path)).toContain(path);
    }
  });
});
