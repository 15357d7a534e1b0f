import type { Release, Snapshot, Wave } from '#releases/release.ts';

/** A wave with what was stable there before anything moved. */
export interface ReadyWave extends Wave {
  readonly snapshot: Snapshot;
}

/** The waves of a release whose snapshots are taken; undefined before. */
export const readyWaves = ({
  waves,
  snapshots,
}: Pick<Release, 'waves' | 'snapshots'>): readonly ReadyWave[] | undefined =>
  snapshots &&
  waves.map((wave, index) => {
    const snapshot = snapshots[index];
    if (snapshot === undefined) throw new RangeError(`wave ${wave.name} has no snapshot beside the others`);
    return { ...wave, snapshot };
  });

/** A release of one target tells nothing of waves. */
export const waveFact = ({ waves }: Pick<Release, 'waves'>, { name }: Pick<Wave, 'name'>) =>
  waves.length === 1 ? {} : { wave: name };
