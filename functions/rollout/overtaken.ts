import { ConflictError } from '#platform/errors.ts';

/** The ConflictError of a write that lost its race (or whose own first try had landed), instead of throwing it. */
export const overtakenBy = async (write: Promise<void>): Promise<ConflictError | undefined> => {
  try {
    await write;
    return undefined;
  } catch (error) {
    if (error instanceof ConflictError) return error;
    throw error;
  }
};
