import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { CHANNEL_TYPES } from '../channel.ts'
import { environmentVariable } from '../config.ts'
import { readChannel } from '../dispatch/changes.ts'
import { channelView } from '../dispatch/view.ts'
import { fatal } from '../errors.ts'
import { readChannelText } from '../open-channel-file.ts'
import { listChannelStates, listChannels } from '../storage/channels.ts'
import { listAttempts } from '../storage/notifications.ts'
import { addOptions } from './channel-flags.ts'
import { type AddOptions, type ReadInput, readOptions } from './channel-options.ts'
import { describeApplied, describeTrial, historyTable, listTable } from './channel-words.ts'
import { readingVault } from './server-vault.ts'
import type { Terminal } from './terminal.ts'
import { findChannel, withChannels } from './with-channels.ts'
import { withDatabase } from './with-database.ts'

/** `tempo channel list|add|test|remove|apply|history`. */
export function channelCommand(terminal: Terminal): Command {
  const command = new Command('channel').description('Notification channels: who is told what')

  command
    .command('list')
    .description('All channels, never their secrets')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const views = await withDatabase('channel list', async (db, config) => {
        const [rows, states, vault] = await Promise.all([
          listChannels(db),
          listChannelStates(db),
          readingVault(config),
        ])
        const stateOf = (id: string) => states.find(({ channelId }) => channelId === id)
        return rows.map((row) => channelView(row, stateOf(row.id), vault))
      })
      terminal.out.write(json ? `${JSON.stringify(views, null, 2)}\n` : listTable(views))
    })

  addOptions(command.command('add'))
    .description('Make a channel; its id is printed')
    .argument('<type>', CHANNEL_TYPES.join(', '))
    .action(async (type: string, options: AddOptions) => {
      const read = await inputReader([options.json, options.urlFile, options.secretFile])
      const input = readChannel(readOptions(type, options, read, environmentVariable))
      const made = await withChannels('channel add', ({ changes }) => changes.create(input))
      terminal.out.write(`${made.id}\n`)
      terminal.err.write(`Made ${made.name}. To try it: tempo channel test ${quote(made.name)}\n`)
    })

  command
    .command('test')
    .description('Send a test and print what the receiver answered; exit code 1 when it was not taken')
    .argument('<channel>', 'its name or id')
    .option('--json', 'print {result,status,request,answer,durationMs}')
    .action(async (wanted: string, { json }: { json?: boolean }) => {
      const trial = await withChannels('channel test', async ({ db, changes }) =>
        changes.test((await findChannel(db, wanted)).id),
      )
      terminal.out.write(json ? `${JSON.stringify(trial, null, 2)}\n` : describeTrial(trial))
      if (trial.result !== 'sent') terminal.exitCode = 1
    })

  command
    .command('remove')
    .description('Remove a channel with its history')
    .argument('<channel>', 'its name or id')
    .action(async (wanted: string) => {
      const name = await withChannels('channel remove', async ({ db, changes }) => {
        const found = await findChannel(db, wanted)
        await changes.remove(found.id)
        return found.name
      })
      terminal.err.write(`Removed ${name}.\n`)
    })

  command
    .command('apply')
    .description('Make the channels as a YAML file says; with a fault in it, nothing is changed')
    .argument('<file>', 'the file, or - for standard input')
    .option('--dry-run', 'only say what would be changed')
    .action(async (path: string, { dryRun = false }: { dryRun?: boolean }) => {
      const isStdin = path === '-'
      const [name, folder] = isStdin ? ['-', '.'] : [basename(path), dirname(path)]
      const file = readChannelText((await inputReader([path]))(path), name, folder)
      if ('problems' in file) throw fatal('bad_channels_file', file.problems.join('\n'))
      const applied = await withChannels('channel apply', ({ changes }) =>
        changes.apply(file.channels, { isTrial: dryRun }),
      )
      terminal.out.write(describeApplied(applied))
      if (dryRun) terminal.err.write('Nothing was changed.\n')
    })

  command
    .command('history')
    .description('What was sent to a channel and what it answered, the newest first')
    .argument('<channel>', 'its name or id')
    .option('--limit <number>', 'so many tries', '20')
    .option('--json', 'print JSON, with what was sent')
    .action(async (wanted: string, { limit, json }: { limit: string; json?: boolean }) => {
      if (!/^[1-9]\d{0,3}$/.test(limit)) throw fatal('bad_limit', '--limit: give a number from 1 to 9999.')
      const attempts = await withDatabase('channel history', async (db) =>
        listAttempts(db, (await findChannel(db, wanted)).id, null, Number(limit)),
      )
      terminal.out.write(json ? `${JSON.stringify(attempts, null, 2)}\n` : historyTable(attempts))
    })

  return command
}

/** Reads files, and standard input for `-`, which can be read once only. */
async function inputReader(paths: unknown[]): Promise<ReadInput> {
  const wishes = paths.filter((path) => path === '-').length
  if (wishes > 1) throw fatal('one_stdin', 'Standard input holds one value: give - to one option only.')
  const input = wishes > 0 ? await text(process.stdin) : ''
  return (path) => (path === '-' ? input : readFileSync(path, 'utf8'))
}

function quote(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`
}
