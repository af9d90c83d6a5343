import { Command, CommanderError } from 'commander'
import { VERSION } from '../app.ts'
import { backupCommand } from './backup.ts'
import { channelCommand } from './channel.ts'
import { connectCommand } from './connect.ts'
import { doctorCommand } from './doctor.ts'
import { explain } from './explain.ts'
import { migrateCommand } from './migrate.ts'
import { notifiedCommand } from './notified.ts'
import { restoreCommand } from './restore.ts'
import { retentionCommand } from './retention.ts'
import { scoreCommand } from './score.ts'
import { sendCommand } from './send.ts'
import { serveCommand } from './serve.ts'
import { silenceCommand } from './silence.ts'
import type { Terminal } from './terminal.ts'
import { tokenCommand } from './token.ts'

/** Runs one command; returns its exit code: 0 done, 1 failed, 2 not understood. */
export async function run(argv: string[], out: NodeJS.WriteStream, err: NodeJS.WriteStream): Promise<number> {
  const terminal: Terminal = { out, err, exitCode: 0 }
  const program = new Command('tempo')
    .description('Tempo server: receives Proxmox notifications and shows them as a timeline')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
  for (const command of [
    serveCommand,
    migrateCommand,
    retentionCommand,
    backupCommand,
    restoreCommand,
    tokenCommand,
    connectCommand,
    channelCommand,
    silenceCommand,
    notifiedCommand,
    scoreCommand,
    sendCommand,
    doctorCommand,
  ]) {
    program.addCommand(command(terminal))
  }
  inheritSettings(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return terminal.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    err.write(`${explain(error)}\n`)
    return 1
  }
}

/** Commander hands settings down only to commands that are made after them. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) inheritSettings(command.copyInheritedSettings(parent) as Command)
}
