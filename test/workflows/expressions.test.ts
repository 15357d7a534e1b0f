import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { expressionsIn, type State, type Workflow, workflows } from './definitions.ts';

/** What Step Functions itself defines, besides the functions of JSONata. */
const GIVEN = ['states'];
const FUNCTIONS = ['exists', 'string'];

/** The variables that an expression reads. */
const variablesIn = (expression: string): readonly string[] => {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('type' in node && node.type === 'variable' && 'value' in node) found.push(String(node.value));
    for (const child of Object.values(node)) visit(child);
  };
  visit(jsonata(expression).ast());
  return found.filter((name) => ![...GIVEN, ...FUNCTIONS, ''].includes(name));
};

interface Way {
  readonly to: string;
  readonly assigned: readonly string[];
}

/** The ways out of a state, each with what is assigned on it. */
const waysOut = (state: State): readonly Way[] => {
  const way = (to: string, assign: State['Assign'] = {}): Way => ({ to, assigned: Object.keys(assign) });
  return [
    ...(state.Next === undefined ? [] : [way(state.Next, state.Assign)]),
    ...(state.Default === undefined ? [] : [way(state.Default, state.Assign)]),
    ...[...(state.Choices ?? []), ...(state.Catch ?? [])].map(({ Next, Assign }) => way(Next, Assign)),
  ];
};

/** What is surely assigned when a state is entered, whatever the way to it: the least that any way brings. */
const assignedAt = ({ start, states }: Workflow): ReadonlyMap<string, ReadonlySet<string>> => {
  const at = new Map<string, ReadonlySet<string>>([[start, new Set()]]);
  const pending = [start];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const state = states.get(name);
    const here = at.get(name);
    if (state === undefined || here === undefined) throw new Error(`there is no state ${name}`);
    for (const { to, assigned } of waysOut(state)) {
      const brought = new Set([...here, ...assigned]);
      const known = at.get(to);
      const least = known === undefined ? brought : new Set([...known].filter((one) => brought.has(one)));
      if (known !== undefined && least.size === known.size) continue;
      at.set(to, least);
      pending.push(to);
    }
  }
  return at;
};

describe.each(workflows)('the expressions of $name', (workflow) => {
  const assigned = assignedAt(workflow);

  it('are JSONata', () => {
    for (const expression of expressionsIn([...workflow.states.values()]))
      expect(() => jsonata(expression)).not.toThrow();
    expect(workflow.text.match(/\{%/g)?.length).toBe(expressionsIn(JSON.parse(workflow.text)).length);
  });

  it('read only what was assigned on every way to them: anything else ends an execution without a Catch', () => {
    for (const [name, state] of workflow.states)
      for (const variable of expressionsIn(state).flatMap(variablesIn))
        expect([...(assigned.get(name) ?? [])], `${name} reads $${variable}`).toContain(variable);
  });

  it('are in states that can be reached', () => {
    expect([...assigned.keys()].sort()).toEqual([...workflow.states.keys()].sort());
  });
});
