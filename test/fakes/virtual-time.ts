import { setImmediate as settled } from 'node:timers/promises';

/** A clock that stands while anything goes on, and then goes to when the first sleeper wakes: seconds cost nothing. */
export class VirtualTime {
  now = 0;
  private readonly sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  sleep(milliseconds: number): Promise<void> {
    return new Promise((wake) => {
      this.sleepers.push({ at: this.now + milliseconds, wake });
    });
  }

  /** Lets time pass until `work` is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = () => {
      isDone = true;
    };
    work.then(end, end);
    for (;;) {
      await settled();
      if (isDone) return work;
      this.sleepers.sort((a, b) => a.at - b.at);
      const first = this.sleepers.shift();
      if (first === undefined) throw new Error('everything waits for something that no time brings');
      this.now = first.at;
      first.wake();
    }
  }
}
