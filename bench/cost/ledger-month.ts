import { TILE_WIDTH } from '#ledger/merkle.ts';
import { addUsage, times, type Usage } from './prices.ts';
import { ASSUMED, callUsage, ledgerUsage } from './standard-release.ts';

const MINUTES_A_MONTH = 730 * 60;

/** As decisions come: what was meant to be done, and that it was. */
const BATCH = 2;

/**
 * A run that signs: the newest seal and checkpoint and the head, the checkpoint once more at its end; the new records, and
 * those of the begun bundle again, half of one on average. A checkpoint in two buckets; the last tile, its bundle and the
 * tile above.
 */
const sealUsage = (records: number): Usage =>
  addUsage(callUsage(), {
    scheduled: 1,
    readUnits: 4 + ((records + TILE_WIDTH / 2) * ASSUMED.recordKilobytes) / 4,
    writeUnits: 2,
    keyRequests: 1,
    signatures: 1,
    objectReads: 3,
    objectPuts: 5,
  });

/**
 * A month of so many records in batches of two, spread so that there is something new to sign each time; full tiles and
 * bundles are put once more than their seals say. What each batch wakes is counted at its worst, as for a release.
 */
export const ledgerMonth = (records: number, sealEveryMinutes: number): Usage => {
  const seals = MINUTES_A_MONTH / sealEveryMinutes;
  return addUsage(times(ledgerUsage(BATCH), records / BATCH), times(sealUsage(records / seals), seals), {
    objectPuts: (2 * records) / TILE_WIDTH,
  });
};
