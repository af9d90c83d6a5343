/** What is wrong with a channel, in words that say what to write instead. Pure; no message repeats a value of a secret. */
import type { z } from 'zod'
import { CHANNEL_TYPES } from '../channel.ts'
import { closestName } from '../closest.ts'
import { ChannelInputSchema } from '../wire-channels.ts'

type Path = readonly PropertyKey[]
/** A fault, and where it is in the channel. */
export type ChannelFault = { path: PropertyKey[]; message: string }

const TYPE_WORDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** The faults that a schema found in `value`, one for each unknown field. */
export function channelFaults(value: unknown, { issues }: z.core.$ZodError): ChannelFault[] {
  return issues.flatMap((issue) => faultsOf(value, issue))
}

function faultsOf(value: unknown, issue: z.core.$ZodIssue): ChannelFault[] {
  const path = [...issue.path]
  const say = (message: string) => [{ path, message }]
  const found = valueAt(value, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownField(value, path, key) }))
    case 'invalid_value':
      return say(oneOf(found, issue.values.map(String)))
    case 'invalid_type': {
      const words = TYPE_WORDS[issue.expected] ?? issue.expected
      return say(found === undefined && path.length > 0 ? `is missing: give ${words}` : `must be ${words}`)
    }
    case 'invalid_union':
      if (path.length === 1 && path[0] === 'type') return say(oneOf(found, CHANNEL_TYPES))
      return say('must be a text, a number, true, false or null')
    default:
      return say(issue.message)
  }
}

function oneOf(found: unknown, known: readonly string[]): string {
  if (found === undefined) return `is missing: give one of ${known.join(', ')}`
  const meant = typeof found === 'string' ? closestName(found, known) : undefined
  return `must be one of ${known.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

function unknownField(value: unknown, path: Path, key: string): string {
  const type = valueAt(value, ['type'])
  const owner = path.length === 0 ? `of a channel of type ${String(type)}` : `of ${path.join('.')}`
  const meant = closestName(key, knownFields(type, path))
  return `is not a field ${owner}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

type Schema = z.core.$ZodType & {
  shape?: Record<string, Schema>
  def: { innerType?: Schema; element?: Schema }
}

/** The fields of a type, or of what stands at a path in it. */
function knownFields(type: unknown, path: Path): string[] {
  const options = ChannelInputSchema.options as unknown as Schema[]
  let schema = options.find(({ shape }) => shape?.type && accepts(shape.type, type))
  for (const part of path) {
    schema = bare(schema)
    schema = typeof part === 'number' ? schema?.def.element : schema?.shape?.[String(part)]
  }
  return Object.keys(bare(schema)?.shape ?? {})
}

/** Without its default, and without what else may stand in its place. */
function bare(schema: Schema | undefined): Schema | undefined {
  return schema?.def.innerType ? bare(schema.def.innerType) : schema
}

function accepts(schema: Schema, value: unknown): boolean {
  return (schema as unknown as z.ZodType).safeParse(value).success
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, part)
        ? (inner as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  )
}
