/**
 * One circle for every group of files that import each other, each beginning with its alphabetically first file.
 * Depth first; a file on the current path that is met again closes a circle (Cormen et al., back edges).
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const onPath: string[] = [];

  const visit = (file: string): void => {
    const seenAt = onPath.indexOf(file);
    if (seenAt !== -1) cycles.push(fromFirst(onPath.slice(seenAt)));
    if (seenAt !== -1 || done.has(file)) return;
    onPath.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    onPath.pop();
    done.add(file);
  };

  for (const file of graph.keys()) visit(file);
  return cycles;
}

function fromFirst(cycle: readonly string[]): string[] {
  const first = cycle.indexOf([...cycle].sort()[0] ?? '');
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
