/** What `tempo doctor` says of notification channels. */
import { stat } from 'node:fs/promises'
import { secretKeyPath } from '../auth/vault.ts'
import type { Config } from '../config.ts'
import { channelView } from '../dispatch/view.ts'
import { readChannelFile } from '../open-channel-file.ts'
import { openChanges } from '../start-dispatch.ts'
import { listChannelStates, listChannels } from '../storage/channels.ts'
import type { Database } from '../storage/database.ts'
import type { ChannelView } from '../wire-channels.ts'
import { sentence } from './channel-words.ts'
import { explain } from './explain.ts'
import { hasServerKey, readingVault, serverVault } from './server-vault.ts'

type Finding = { level: 'good' | 'note' | 'bad'; text: string }

/** A line for each channel, for the file that they are written in, and for what keeps their secrets. */
export async function checkChannels(db: Database, config: Config): Promise<Finding[]> {
  return inspect(db, config).catch((error) => [
    { level: 'bad', text: `the channels cannot be looked at: ${explain(error)}` },
  ])
}

async function inspect(db: Database, config: Config): Promise<Finding[]> {
  const [rows, states, vault] = await Promise.all([
    listChannels(db),
    listChannelStates(db),
    readingVault(config),
  ])
  const stateOf = (id: string) => states.find(({ channelId }) => channelId === id)
  const views = rows.map((row) => channelView(row, stateOf(row.id), vault))
  const none: Finding = {
    level: 'note',
    text: 'no notification channel yet: tempo channel add --help, or Settings → Channels of the page',
  }
  return [
    ...(views.length > 0 ? views.map(channelFinding) : [none]),
    ...(await checkFile(db, config)),
    ...(await checkKey(config, views.length > 0)),
  ]
}

function channelFinding({ name, type, enabled, problem, state }: ChannelView): Finding {
  const subject = `channel ${name} (${type})`
  const { failures, failingSince, lastAnswer, lastSentAt, waiting } = state
  const queue = waiting > 0 ? `; ${waiting} event(s) wait` : ''
  if (problem !== null) return { level: 'bad', text: `${subject} cannot be used: ${problem}${queue}` }
  if (!enabled) return { level: 'note', text: `${subject} is switched off${queue}` }
  const advice = `tempo channel test '${name}' says what it answers now`
  if (failures > 0) {
    const why = sentence(lastAnswer ?? 'no answer')
    return {
      level: 'bad',
      text: `${subject} has failed ${failures} time(s) since ${failingSince}${queue}: ${why}; ${advice}`,
    }
  }
  if (lastSentAt === null)
    return { level: 'good', text: `${subject} was told nothing yet${queue}; ${advice}` }
  return { level: 'good', text: `${subject} was told last at ${lastSentAt}${queue}` }
}

async function checkFile(db: Database, config: Config): Promise<Finding[]> {
  const { channelsFile: path } = config
  if (path === null) return []
  const file = readChannelFile(path)
  if ('problems' in file) {
    const text = `${path} is faulty with the variables of this shell; where it is, the channels stay as they were`
    return [{ level: 'bad', text }, ...file.problems.map((text): Finding => ({ level: 'bad', text }))]
  }
  const count = `${path} is valid, with ${file.channels.length} channel(s)`
  if (!hasServerKey(config)) return [{ level: 'good', text: count }]
  const changes = openChanges({ config, db, vault: await serverVault(config), now: () => new Date() })
  const { created, changed, removed } = await changes.apply(file.channels, { isTrial: true })
  const pending = created.length + changed.length + removed.length
  if (pending === 0) return [{ level: 'good', text: `${count}, which are in force` }]
  const text = `${count}, of which ${pending} are not in force; the server applies it, or: tempo channel apply ${path}`
  return [{ level: 'note', text }]
}

async function checkKey(config: Config, isNeeded: boolean): Promise<Finding[]> {
  if (config.secretKey !== null) {
    return [{ level: 'good', text: 'the key for stored secrets comes from the configuration' }]
  }
  const path = secretKeyPath(config.dataDir)
  try {
    if (((await stat(path)).mode & 0o077) !== 0)
      return [{ level: 'bad', text: `${path} can be read by others: chmod 600 ${path}` }]
    return [
      { level: 'good', text: `${path} is there, and private; without it no backup brings secrets back` },
    ]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') return [{ level: 'bad', text: `${path} cannot be looked at (${code})` }]
    if (!isNeeded) return []
    const advice = 'put it back from a backup, or run this where the server runs'
    return [{ level: 'bad', text: `${path} is not there, which seals the secrets of channels; ${advice}` }]
  }
}
