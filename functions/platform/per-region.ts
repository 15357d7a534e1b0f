/** What is made at first use, one for each region; without one, the function's own. */
export const perRegion = <T>(make: (region?: string) => T): ((region: string | undefined) => T) => {
  const made = new Map<string | undefined, T>();
  return (region) => {
    const known = made.get(region) ?? make(region);
    made.set(region, known);
    return known;
  };
};
