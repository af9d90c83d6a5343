import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { fatal } from '../errors.ts'
import { silentLog } from '../log.ts'
import { findDatabase } from '../open-storage.ts'
import { type BackupSummary, backupDatabase } from '../storage/backup/backup.ts'
import { VERSION } from '../version.ts'
import { createNewFile } from './backup-file.ts'
import { untilInterrupted } from './interruption.ts'
import { count, createProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'

type Options = { withSecrets?: boolean; withoutDeliveries?: boolean; force?: boolean; quiet?: boolean }

const BLOCK_BYTES = 64 * 1024

/** `tempo backup FILE`: one state of the database in a file, while servers write on. */
export function backupCommand(terminal: Terminal): Command {
  return new Command('backup')
    .description('Write everything to a file, with the server running or not')
    .argument('<file>', 'where to; - writes to standard output')
    .option('--with-secrets', 'let tokens work again after a restore')
    .option('--without-deliveries', 'leave out deliveries and refused bodies')
    .option('--force', 'write over a file that is there')
    .option('--quiet', 'say nothing unless it fails')
    .action((file: string, options: Options) =>
      untilInterrupted((signal) =>
        file === '-'
          ? backupToOutput(terminal, options, signal)
          : backupToFile(terminal, file, options, signal),
      ),
    )
}

async function backupToOutput(terminal: Terminal, options: Options, signal: AbortSignal): Promise<void> {
  if (terminal.out.isTTY) {
    throw fatal(
      'backup_to_terminal',
      'A backup is nothing to look at. Name a file, or send the output to one.',
    )
  }
  const write = (block: Buffer) =>
    new Promise<void>((resolve, reject) => {
      terminal.out.write(block, (error) => (error ? reject(error) : resolve()))
    })
  try {
    tell(terminal, await backup(terminal, write, options, signal), 'standard output', options)
  } catch (error) {
    throw explainWriting(error, 'Standard output')
  }
}

async function backupToFile(
  terminal: Terminal,
  path: string,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const file = await createNewFile(path, options.force ?? false)
  try {
    const summary = await backup(terminal, file.write, options, signal)
    const size = await file.keep()
    tell(terminal, summary, `${path} (${(size / 1e6).toFixed(1)} MB)`, options)
  } catch (error) {
    await file.discard()
    throw explainWriting(error, path)
  }
}

async function backup(
  terminal: Terminal,
  write: (block: Buffer) => Promise<void>,
  { withSecrets = false, withoutDeliveries = false, quiet }: Options,
  signal: AbortSignal,
): Promise<BackupSummary> {
  const { target, stop } = await findDatabase(
    loadConfig(),
    'command',
    `tempo backup, pid ${process.pid}`,
    silentLog,
  )
  const writeAll = async (blocks: AsyncIterable<Buffer>) => {
    for await (const block of blocks) await write(block)
  }
  const progress = createProgress(terminal.err, quiet)
  try {
    return await backupDatabase(
      target,
      {
        version: VERSION,
        withSecrets,
        withDeliveries: !withoutDeliveries,
        onProgress: progress.show,
        signal,
      },
      (blocks) => pipeline(blocks, createGzip({ chunkSize: BLOCK_BYTES }), writeAll, { signal }),
    )
  } finally {
    progress.end()
    await stop()
  }
}

function tell(terminal: Terminal, { rows, header }: BackupSummary, where: string, { quiet }: Options): void {
  if (quiet) return
  const tokens = header.secrets
    ? 'It holds the hashes of tokens: keep it safe.'
    : 'Tokens will have to be made anew after a restore; --with-secrets keeps them.'
  terminal.err.write(
    `Backed up ${count(rows.events ?? 0, 'event')} in ${count(rows.stacks ?? 0, 'stack')} to ${where}.\n${tokens}\n`,
  )
}

/** Failures of a disk or a pipe, which name no path by themselves. */
const WRITE_FAILURES = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EROFS', 'EPIPE'])

function explainWriting(error: unknown, path: string): unknown {
  const { code = '', syscall } = error as NodeJS.ErrnoException
  if (!WRITE_FAILURES.has(code) || syscall !== 'write') return error
  return fatal(
    'backup_not_written',
    `${path} cannot be written (${code}). Make room, or choose another place.`,
    error,
  )
}
