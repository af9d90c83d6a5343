/** What people change of channels, wherever they do it: the API, the command line, a file. */
import type { Vault } from '../auth/vault.ts'
import type { Channel, Exchange, Notification, StoredChannel } from '../channel.ts'
import { invalidInput, notFound, TempoError } from '../errors.ts'
import { severityRank } from '../event.ts'
import { type ChannelInput, ChannelInputSchema } from '../wire-channels.ts'
import { channelFaults } from './faults.ts'
import { channelOf, openChannel, sealChannel } from './settings.ts'
import { trialNotification } from './trial.ts'

/** A message that was sent by hand, and how that ended. */
export type Trial = Exchange & { id: string; durationMs: number }

export type ChannelChangeDeps = {
  list: () => Promise<StoredChannel[]>
  /** Writes and removes all at once; false when a name is taken. */
  save: (rows: StoredChannel[], removed: string[]) => Promise<boolean>
  remove: (id: string) => Promise<boolean>
  recordTest: (
    channelId: string,
    message: { id: string; title: string; severity: number },
    attempt: Exchange & { id: string; at: Date; durationMs: number },
  ) => Promise<void>
  send: (target: Channel['target'], notification: Notification) => Promise<Exchange>
  vault: Vault
  newId: () => string
  url: string | null
  now: () => Date
}

export type ChannelChanges = ReturnType<typeof createChannelChanges>

export function createChannelChanges(deps: ChannelChangeDeps) {
  const { vault } = deps

  async function find(id: string): Promise<StoredChannel> {
    const found = (await deps.list()).find((one) => one.id === id)
    if (!found) throw notFound(`A channel ${id}`)
    return found
  }

  async function save(row: StoredChannel): Promise<StoredChannel> {
    if (!(await deps.save([row], []))) throw nameTaken(row.name)
    return row
  }

  async function create(input: ChannelInput): Promise<StoredChannel> {
    const now = deps.now()
    return save(
      sealChannel(input, vault, { id: deps.newId(), managedBy: 'api', createdAt: now, updatedAt: now }),
    )
  }

  /** What is left out of `patch` stays, secrets too. */
  async function change(id: string, patch: Record<string, unknown>): Promise<StoredChannel> {
    const stored = await find(id)
    requireOwn(stored)
    const input = merge(stored, patch)
    return save(sealChannel(input, vault, { ...stored, updatedAt: deps.now() }))
  }

  function merge(stored: StoredChannel, patch: Record<string, unknown>): ChannelInput {
    const opened = openChannel(stored, vault)
    const { name, type, enabled, settings } = stored
    const before = 'input' in opened ? opened.input : { name, type, enabled, ...settings }
    return readChannel({ ...before, ...patch })
  }

  async function remove(id: string): Promise<void> {
    requireOwn(await find(id))
    if (!(await deps.remove(id))) throw notFound(`A channel ${id}`)
  }

  /** Sends the test of a channel as it is stored, and keeps it in the history. */
  async function test(id: string): Promise<Trial> {
    const stored = await find(id)
    const opened = openChannel(stored, vault)
    if ('problem' in opened) throw invalidInput('channel', [{ path: 'secret', message: opened.problem }])
    const at = deps.now()
    const trial = await sendTrial(opened.input, id)
    const message = { id: trial.id, title: `Test of ${stored.name}`, severity: severityRank('info') }
    await deps.recordTest(id, message, { ...trial, id: deps.newId(), at })
    return trial
  }

  /** Sends the test of a channel that is not stored, or not as it is written here; `id` lends its secrets. */
  async function tryOut(value: Record<string, unknown>, id: string | null): Promise<Trial> {
    const input = id === null ? readChannel(value) : merge(await find(id), value)
    return sendTrial(input, id ?? deps.newId())
  }

  async function sendTrial(input: ChannelInput, channelId: string): Promise<Trial> {
    const at = deps.now()
    const id = deps.newId()
    const channel = channelOf(input, { id: channelId, managedBy: 'api', createdAt: at, updatedAt: at })
    const started = performance.now()
    const exchange = await deps.send(channel.target, trialNotification(channel, id, at, deps.url))
    return { ...exchange, id, durationMs: Math.round(performance.now() - started) }
  }

  /**
   * Makes the channels of a file as they are written: those that are new, changed or gone. Channels that were made
   * elsewhere stay; one of the same name is taken over. `isTrial`: nothing is written, only what would be is told.
   */
  async function apply(inputs: ChannelInput[], { isTrial = false } = {}): Promise<Applied> {
    const now = deps.now()
    const known = await deps.list()
    const applied: Applied = { created: [], changed: [], unchanged: [], removed: [] }
    const rows: StoredChannel[] = []
    for (const input of inputs) {
      const before = known.find(({ name }) => name === input.name)
      const opened = before && openChannel(before, vault)
      if (before?.managedBy === 'file' && opened && 'input' in opened && isSame(opened.input, input)) {
        applied.unchanged.push(input.name)
        continue
      }
      applied[before ? 'changed' : 'created'].push(input.name)
      const { id, createdAt } = before ?? { id: deps.newId(), createdAt: now }
      rows.push(sealChannel(input, vault, { id, managedBy: 'file', createdAt, updatedAt: now }))
    }
    const names = new Set(inputs.map(({ name }) => name))
    const gone = known.filter(({ managedBy, name }) => managedBy === 'file' && !names.has(name))
    applied.removed.push(...gone.map(({ name }) => name))
    const ids = gone.map(({ id }) => id)
    if (isTrial || rows.length + ids.length === 0) return applied
    if (!(await deps.save(rows, ids))) throw nameTaken('of one in the file')
    return applied
  }

  return { create, change, remove, test, tryOut, apply }
}

/** Names of what a file made of the channels. */
export type Applied = { created: string[]; changed: string[]; unchanged: string[]; removed: string[] }

/** Key by key in the order of the schema, which both have been through. */
function isSame(a: ChannelInput, b: ChannelInput): boolean {
  return JSON.stringify(ChannelInputSchema.parse(a)) === JSON.stringify(ChannelInputSchema.parse(b))
}

/** Throws invalidInput with all that is wrong. */
export function readChannel(value: unknown): ChannelInput {
  const parsed = ChannelInputSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const faults = channelFaults(value, parsed.error)
  throw invalidInput(
    'channel',
    faults.map(({ path, message }) => ({ path: path.map(String).join('.') || 'channel', message })),
  )
}

function requireOwn({ managedBy, name }: StoredChannel): void {
  if (managedBy === 'api') return
  throw new TempoError(
    'managed_by_file',
    409,
    'Conflict',
    `${name} is written in the file of TEMPO_CHANNELS_FILE. Change it there: the server sees it, as does tempo channel apply.`,
  )
}

function nameTaken(name: string): Error {
  return new TempoError(
    'name_taken',
    409,
    'Conflict',
    `Another channel has the name ${name}. Choose another one.`,
  )
}
