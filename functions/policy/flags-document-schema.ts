import * as z from 'zod';
import {
  ALL_ON,
  KILL_SWITCHES,
  type KillSwitch,
  OFF_MEANS,
  ON,
  type SwitchState,
  type SwitchStates,
} from '#policy/kill-switches.ts';

const text = z.string().max(1_024);

/** One flag's values, as much of them as is there: the console lets people leave attributes out. */
const valueSchema = z.looseObject({
  enabled: z.boolean(),
  offIn: z.array(z.string()).default([]),
});
/** Who set a switch as it is, kept beside it so that the AppConfig console shows it too. */
const noteSchema = z.object({
  by: text,
  kind: z.enum(['user', 'pipeline']),
  at: z.iso.datetime({ precision: 3 }),
  reason: text,
});
export type SwitchNote = Readonly<z.infer<typeof noteSchema>>;

export interface NotedState {
  readonly state: SwitchState;
  readonly note?: SwitchNote;
}

export type NotedStates = Readonly<Record<KillSwitch, NotedState>>;

type Value = z.infer<typeof valueSchema>;

const valuesSchema = z.partialRecord(z.enum(KILL_SWITCHES), valueSchema);

/** Unknown flags are somebody else's business. */
const ours = (values: unknown): unknown =>
  typeof values === 'object' && values !== null && !Array.isArray(values)
    ? Object.fromEntries(Object.entries(values).filter(([name]) => KILL_SWITCHES.some((one) => one === name)))
    : values;

/** AppConfig gives no attributes of a flag that is not enabled, so that what is off in part stays enabled. */
const stateOf = ({ enabled, offIn }: Value): SwitchState =>
  enabled ? { on: true, offIn } : { on: false, offIn: [] };

const parsed = (values: unknown): Readonly<Partial<Record<KillSwitch, Value>>> =>
  valuesSchema.parse(ours(values));

const each = <T>(of: (name: KillSwitch) => T): Readonly<Record<KillSwitch, T>> =>
  Object.fromEntries(KILL_SWITCHES.map((name) => [name, of(name)])) as Record<KillSwitch, T>;

/**
 * The switches as AppConfig serves them: one object a flag. One that is not there is on.
 * @throws ZodError for anything else.
 */
export const servedStates = (served: unknown): SwitchStates => {
  const values = parsed(served);
  return each((name) => {
    const value = values[name];
    return value === undefined ? ON : stateOf(value);
  });
};

const storedSchema = z.object({ values: z.unknown().optional() });

/**
 * The switches as a hosted version stores them, with who set them so.
 * @throws ZodError for anything else.
 */
export const storedStates = (stored: unknown): NotedStates => {
  const values = parsed(storedSchema.parse(stored).values ?? {});
  return each((name) => {
    const value = values[name];
    if (value === undefined) return { state: ON };
    const note = noteSchema.safeParse(value).data;
    return { state: stateOf(value), ...(note && { note }) };
  });
};

const noted = { constraints: { type: 'string' } };

/** AppConfig checks every version against these, whoever makes it (AWS.AppConfig.FeatureFlags, version 1). */
const definitionOf = (name: KillSwitch) => ({
  name,
  description: `Off: ${OFF_MEANS[name]}.`,
  attributes: {
    offIn: {
      constraints: { type: 'array', elements: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,19}$' } },
    },
    by: noted,
    kind: noted,
    at: noted,
    reason: noted,
  },
});

/** A hosted version's content. */
export const flagsDocument = (states: NotedStates) => ({
  version: '1',
  flags: each(definitionOf),
  values: each((name) => {
    const { state, note } = states[name];
    return { enabled: state.on, offIn: state.offIn, ...note };
  }),
});

/** Label of the version that the stack makes, with everything on. */
export const STACK_LABEL = 'sluice-stack';

export const NOBODY_CHANGED_ANY: NotedStates = each((name) => ({ state: ALL_ON[name] }));
