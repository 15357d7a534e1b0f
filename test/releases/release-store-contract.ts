import { describe } from 'vitest';
import type { ReleaseStore } from '#releases/release-store.ts';
import { freezeContract } from './contract/freeze-contract.ts';
import { outcomeContract } from './contract/outcome-contract.ts';
import { progressContract } from './contract/progress-contract.ts';
import { reservationContract } from './contract/reservation-contract.ts';
import { StoreWorld } from './contract/store-world.ts';
import { waitingContract } from './contract/waiting-contract.ts';

/**
 * What every release store does, whatever is behind it. Each test has a service of its own, so that the table may be
 * shared; indexes may lag, so that lists are asked until they show what they must.
 */
export const releaseStoreContract = (
  name: string,
  make: () => Promise<ReleaseStore> | ReleaseStore,
): void => {
  describe(`release store: ${name}`, () => {
    const world = new StoreWorld(make);
    reservationContract(world);
    freezeContract(world);
    waitingContract(world);
    progressContract(world);
    outcomeContract(world);
  });
};
