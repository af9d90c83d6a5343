import { Command, CommanderError } from 'commander'
import { VERSION } from '../version.ts'
import { explain } from './explain.ts'
import type { Terminal } from './terminal.ts'

type MakeCommand = (terminal: Terminal) => Command

/** A command loads what it needs, and no other: most of them need little of the server. */
const COMMANDS: Record<string, () => Promise<MakeCommand>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  retention: async () => (await import('./retention.ts')).retentionCommand,
  backup: async () => (await import('./backup.ts')).backupCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
  token: async () => (await import('./token.ts')).tokenCommand,
  connect: async () => (await import('./connect.ts')).connectCommand,
  channel: async () => (await import('./channel.ts')).channelCommand,
  silence: async () => (await import('./silence.ts')).silenceCommand,
  notified: async () => (await import('./notified.ts')).notifiedCommand,
  score: async () => (await import('./score.ts')).scoreCommand,
  send: async () => (await import('./send.ts')).sendCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
}

/** Runs one command; returns its exit code: 0 done, 1 failed, 2 not understood. */
export async function run(argv: string[], out: NodeJS.WriteStream, err: NodeJS.WriteStream): Promise<number> {
  const terminal: Terminal = { out, err, exitCode: 0 }
  const program = new Command('tempo')
    .description('Tempo server: receives Proxmox notifications and shows them as a timeline')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
  const named = Object.hasOwn(COMMANDS, argv[0] ?? '') ? COMMANDS[argv[0]!] : undefined
  for (const load of named ? [named] : Object.values(COMMANDS)) program.addCommand((await load())(terminal))
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
