import { Command } from 'commander'
import { openChannel } from '../dispatch/settings.ts'
import { explainTold, type Told } from '../dispatch/why.ts'
import { fatal, notFound } from '../errors.ts'
import { listChannels } from '../storage/channels.ts'
import { findTellings } from '../storage/notifications.ts'
import { findEvent } from '../storage/timeline.ts'
import { readingVault } from './server-vault.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `tempo notified`: who was told of an event, and why others were not. */
export function notifiedCommand(terminal: Terminal): Command {
  return new Command('notified')
    .description('Say for each channel what it was told of an event, or why not')
    .argument('<event>', 'id of the event')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      if (!UUID.test(id)) throw fatal('bad_id', `${id} is not the id of an event; the timeline shows them.`)
      const told = await withDatabase('notified', async (db, config) => {
        const [event, found] = await Promise.all([findEvent(db, id), findTellings(db, id)])
        if (!event || !found) throw notFound(`The event ${id}`)
        const vault = await readingVault(config)
        const known = (await listChannels(db)).map((stored) => ({
          stored,
          opened: openChannel(stored, vault),
        }))
        return explainTold(event, found.role, found.tellings, known)
      })
      if (json) terminal.out.write(`${JSON.stringify(told, null, 2)}\n`)
      else terminal.out.write(told.length > 0 ? toldTable(told) : 'There are no channels.\n')
    })
}

function toldTable(told: Told[]): string {
  const rows = told.map(({ channel, type, outcome, at, reason }) => [
    channel,
    type,
    outcome.replace('_', ' '),
    at ?? '',
    reason,
  ])
  return table([['CHANNEL', 'TYPE', 'OUTCOME', 'TIME', 'WHY'], ...rows])
}
