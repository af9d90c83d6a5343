#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { VERSION } from './app.ts'
import { doctorCommand } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { migrateCommand } from './commands/migrate.ts'
import { scoreCommand } from './commands/score.ts'
import { sendCommand } from './commands/send.ts'
import { serveCommand } from './commands/serve.ts'
import type { Terminal } from './commands/terminal.ts'
import { tokenCommand } from './commands/token.ts'

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
    tokenCommand,
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

const LEFTOVERS_MS = 500

/** Commander hands settings down only to commands that are made after them. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) inheritSettings(command.copyInheritedSettings(parent) as Command)
}

if (import.meta.main) {
  // Who reads our output may leave before its end (`tempo token list | head`); that is no failure of the command.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.exitCode = await run(process.argv.slice(2), process.stdout, process.stderr)
  // postgres.js leaves a connection half open when the network is dead, and that would keep us alive.
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref()
}
