/** What happens around each call of a port. Either may delay (await) or fail (throw). */
export interface Hooks {
  /** Before the call has any effect. */
  readonly before?: (method: string, args: readonly unknown[]) => unknown;
  /** After the effect, before the caller learns of it: a failure here is an answer that was lost. */
  readonly after?: (method: string, args: readonly unknown[]) => unknown;
}

/** The same port with `hooks` around every call. */
export const hooked = <Port extends object>(port: Port, hooks: Hooks): Port =>
  new Proxy(port, {
    get: (target, name, receiver) => {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return async (...args: unknown[]) => {
        await hooks.before?.(name, args);
        const result: unknown = await member.apply(target, args);
        await hooks.after?.(name, args);
        return result;
      };
    },
  });
