import { userInfo } from 'node:os'
import { Command } from 'commander'
import { parseTimestamp } from '../adapters/timestamp.ts'
import type { Silence } from '../channel.ts'
import { fatal, invalidInput } from '../errors.ts'
import { newId } from '../new-id.ts'
import { parseDuration } from '../scores/duration.ts'
import { endSilence, insertSilence, listSilences } from '../storage/channels.ts'
import type { Database } from '../storage/database.ts'
import { SilenceInputSchema } from '../wire-channels.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'
import { findChannel } from './with-channels.ts'
import { withDatabase } from './with-database.ts'

type AddOptions = {
  reason: string
  for?: string
  from?: string
  to?: string
  channel?: string[]
  provider?: string[]
  node?: string[]
  vmid?: string[]
  match?: string[]
}

const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** `tempo silence list|add|end`. */
export function silenceCommand(terminal: Terminal): Command {
  const command = new Command('silence').description('Times in which channels are not told of what matches')

  command
    .command('list')
    .description('Silences that hold, are to come, or ended within a month')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const silences = await withDatabase('silence list', listSilences)
      terminal.out.write(json ? `${JSON.stringify(silences, null, 2)}\n` : listTable(silences, new Date()))
    })

  command
    .command('add')
    .description('Tell nothing of what matches, for some time; its id is printed')
    .requiredOption('--reason <text>', 'why, for those who wonder')
    .option('--for <duration>', 'so long, as 30m, 4h, 2d or 1w')
    .option('--to <when>', 'until an instant, as 2027-01-31T06:00:00Z')
    .option('--from <when>', 'since an instant (default: now)')
    .option('--channel <name>', 'only on this channel (repeatable; default: all)', collect)
    .option('--provider <identifier>', 'only of this one and those below it (repeatable)', collect)
    .option('--node <name>', 'only of this node; * and ? stand for others (repeatable)', collect)
    .option('--vmid <id>', 'only of this guest; * and ? stand for others (repeatable)', collect)
    .option('--match <name=value>', 'only with this metadata (repeatable: any of them)', collect)
    .action(async (options: AddOptions) => {
      const silence = await withDatabase('silence add', (db) => add(db, options, new Date()))
      terminal.out.write(`${silence.id}\n`)
      terminal.err.write(`From ${silence.from.toISOString()} to ${silence.to.toISOString()}.\n`)
    })

  command
    .command('end')
    .description('End a silence now')
    .argument('<id>', 'its id')
    .action(async (id: string) => {
      await withDatabase('silence end', async (db) => {
        const known = (await listSilences(db)).some((silence) => silence.id === id.toLowerCase())
        if (!known || !(await endSilence(db, id, new Date())))
          throw fatal('no_such_silence', `No silence with the id ${id} holds or is to come.`)
      })
      terminal.err.write('Ended.\n')
    })

  return command
}

async function add(db: Database, options: AddOptions, now: Date): Promise<Silence> {
  const from = options.from === undefined ? now : readInstant('--from', options.from)
  const to = readEnd(options, from)
  if (to <= from || to <= now)
    throw fatal('bad_end', `--${options.for === undefined ? 'to' : 'for'}: the end must be later than now.`)
  const found = await Promise.all((options.channel ?? []).map((name) => findChannel(db, name)))
  const { provider: providers, node: nodes, vmid: vmids, match, reason } = options
  const parsed = SilenceInputSchema.safeParse({
    ...{ reason, providers, nodes, vmids },
    from: from.toISOString(),
    to: to.toISOString(),
    channels: found.map(({ id }) => id),
    match: match?.map(readMatch),
  })
  if (!parsed.success) {
    throw invalidInput(
      'silence',
      parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
    )
  }
  const silence = { ...parsed.data, id: newId(), from, to, createdBy: whoAmI(), createdAt: now }
  await insertSilence(db, silence)
  return silence
}

function readEnd({ for: duration, to }: AddOptions, from: Date): Date {
  if ((duration === undefined) === (to === undefined))
    throw fatal('bad_end', 'Say how long: give either --for or --to.')
  if (to !== undefined) return readInstant('--to', to)
  try {
    return new Date(from.getTime() + (parseDuration(duration!) ?? 0))
  } catch {
    throw fatal('bad_duration', `--for ${duration}: write it as 30m, 4h, 2d or 1w.`)
  }
}

function readInstant(option: string, text: string): Date {
  const parsed = parseTimestamp(text)
  if (parsed.ok) return parsed.date
  throw fatal('bad_instant', `${option} ${text}: write it as 2027-01-31T06:00:00Z.`)
}

function readMatch(pair: string): Record<string, string> {
  const at = pair.indexOf('=')
  if (at < 1) throw fatal('bad_pair', `--match ${pair}: write NAME=VALUE.`)
  return { [pair.slice(0, at)]: pair.slice(at + 1) }
}

/** The user of this system; one without a name is possible in containers. */
function whoAmI(): string {
  try {
    return `${userInfo().username} (command line)`
  } catch {
    return 'command line'
  }
}

function listTable(silences: Silence[], now: Date): string {
  const rows = silences.map(({ id, from, to, reason, createdBy, ...what }) => [
    id,
    to <= now ? 'over' : from > now ? 'to come' : 'holds',
    from.toISOString(),
    to.toISOString(),
    describe(what),
    createdBy,
    reason,
  ])
  return table([['ID', 'STATE', 'FROM', 'TO', 'WHAT', 'BY', 'REASON'], ...rows])
}

function describe({ channels, providers, nodes, vmids, match }: Partial<Silence>): string {
  const parts = { channel: channels, provider: providers, node: nodes, vmid: vmids }
  const named = Object.entries(parts).flatMap(([name, values = []]) =>
    values.length > 0 ? [`${name} ${values.join(',')}`] : [],
  )
  const matches = (match ?? []).map((one) => JSON.stringify(one))
  return [...named, ...matches].join(' ') || '(everything)'
}
