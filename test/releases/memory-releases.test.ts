import { memoryReleases } from '../fakes/memory-releases.ts';
import { releaseStoreContract } from './release-store-contract.ts';

releaseStoreContract('in memory', memoryReleases);
