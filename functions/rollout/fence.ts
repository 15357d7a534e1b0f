import type { Fence } from '#releases/release-store.ts';

/** Whether the release still goes forward by the order that carries this fence. */
export const isForward = (present: Fence, fence: number): boolean =>
  present.mode === 'forward' && present.fence === fence;
