#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { VERSION } from './app.ts'
import { doctorCommand } from './commands/doctor.ts'
import { migrateCommand } from './commands/migrate.ts'
import { scoreCommand } from './commands/score.ts'
import { sendCommand } from './commands/send.ts'
import { serveCommand } from './commands/serve.ts'
import { tokenCommand } from './commands/token.ts'
import { TempoError } from './errors.ts'

/** Where a command writes: results to `out`, all else to `err`. */
export type Terminal = { out: NodeJS.WriteStream; err: NodeJS.WriteStream; exitCode: number }

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
    program.addCommand(command(terminal).copyInheritedSettings(program))
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return terminal.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    err.write(`${explain(error)}\n`)
    return 1
  }
}

/** What a person can act on for expected failures; for faults of ours all there is. */
function explain(error: unknown): string {
  if (error instanceof TempoError) return [error.message, ...error.errors.map(line)].join('\n')
  const code = (error as { code?: string }).code
  if (code === 'ECONNREFUSED' || code === 'CONNECT_TIMEOUT' || code === 'ENOTFOUND') {
    return `The database cannot be reached (${code}). Check DATABASE_URL, and that PostgreSQL runs.`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function line({ path, message }: { path: string; message: string }): string {
  return path ? `  ${path}: ${message}` : `  ${message}`
}

if (import.meta.main) {
  process.exitCode = await run(process.argv.slice(2), process.stdout, process.stderr)
}
