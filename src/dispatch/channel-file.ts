/** The YAML file of notification channels: read as a whole, with every fault at its place. Pure. */
import { closestName } from '../closest.ts'
import { type ChannelInput, ChannelInputSchema } from '../wire-channels.ts'
import { channelFaults } from './faults.ts'
import { resolveReferences, type Sources } from './references.ts'
import { type Place, readYaml } from './yaml-text.ts'

/** A fault and its place; line and column count from 1. `path` is empty where the text is not YAML. */
export type FileProblem = Place & { path: string; message: string }

export type ReadFile = { channels: ChannelInput[] } | { problems: FileProblem[] }

type Path = PropertyKey[]
type Report = (path: Path, message: string) => void

const EXAMPLE = 'channels: [ {name: ops, type: slack, url: "${SLACK_URL}"} ]'

/** The channels of a file, or all that is wrong with it, from its top down. */
export function parseChannelFile(source: string, sources: Sources): ReadFile {
  const read = readYaml(source)
  if ('problems' in read) return { problems: read.problems.map((problem) => ({ path: '', ...problem })) }
  const problems: FileProblem[] = []
  const report: Report = (path, message) => {
    problems.push({ path: path.map(String).join('.'), ...read.placeOf(path), message })
  }
  const inputs = readChannels(read.value, sources, report)
  if (problems.length === 0) return { channels: inputs }
  return { problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) }
}

function readChannels(value: unknown, sources: Sources, report: Report): ChannelInput[] {
  if (!isObject(value)) {
    report([], `must hold the list channels, as in ${EXAMPLE}`)
    return []
  }
  for (const key of Object.keys(value)) {
    if (key === 'channels') continue
    const meant = closestName(key, ['channels'])
    report(
      [key],
      `is not a field of this file${meant ? `; did you mean ${meant}?` : '; it holds channels only'}`,
    )
  }
  const { channels } = value
  if (!Array.isArray(channels)) {
    report(
      channels === undefined ? [] : ['channels'],
      `must be a list, as in ${EXAMPLE}; write [] for no channel at all`,
    )
    return []
  }
  const read = channels.map((one, index) => readChannel(one, ['channels', index], sources, report))
  const names = channels.map((one) =>
    isObject(one) && typeof one.name === 'string' ? one.name.trim() : null,
  )
  names.forEach((name, index) => {
    const first = names.indexOf(name)
    if (name !== null && first < index) {
      report(
        ['channels', index, 'name'],
        `is the name of channels.${first}, too: ${name}; each needs its own`,
      )
    }
  })
  return read.filter((one) => one !== null)
}

function readChannel(value: unknown, at: Path, sources: Sources, report: Report): ChannelInput | null {
  const referring = new Set<string>()
  const lost = new Set<string>()
  const resolved = mapTexts(value, [], (text, path) => {
    const { text: result, problems } = resolveReferences(text, sources)
    for (const problem of problems) report([...at, ...path], problem)
    if (problems.length > 0) lost.add(path.join('.'))
    if (text.includes('${')) referring.add(path.join('.'))
    return result
  })
  let parsed = ChannelInputSchema.safeParse(resolved)
  if (!parsed.success && referring.size > 0) {
    parsed = ChannelInputSchema.safeParse(convertReferences(resolved, parsed.error.issues, referring))
  }
  if (parsed.success) return lost.size === 0 ? parsed.data : null
  for (const { path, message } of channelFaults(resolved, parsed.error)) {
    // What could not be resolved has been told.
    if (!lost.has(path.join('.'))) report([...at, ...path], message)
  }
  return null
}

/** Variables are texts; where a number or a truth is wanted, such as `port: ${SMTP_PORT}`, they are read as one. */
function convertReferences(
  value: unknown,
  issues: { code: string; path: PropertyKey[]; expected?: unknown }[],
  referring: ReadonlySet<string>,
): unknown {
  const wanted = new Map(
    issues.flatMap(({ code, path, expected }) => {
      const place = path.join('.')
      return code === 'invalid_type' && referring.has(place) ? [[place, expected]] : []
    }),
  )
  return mapTexts(value, [], (text, path) => {
    const expected = wanted.get(path.join('.'))
    if (expected === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
    if ((expected === 'number' || expected === 'int') && /^-?\d{1,9}$/.test(text)) return Number(text)
    return text
  })
}

function mapTexts(value: unknown, path: Path, map: (text: string, path: Path) => unknown): unknown {
  if (typeof value === 'string') return map(value, path)
  if (Array.isArray(value)) return value.map((one, index) => mapTexts(one, [...path, index], map))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, mapTexts(one, [...path, key], map)]),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
