import { type FileHandle, open } from 'node:fs/promises'
import { addAbortSignal, pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { fatal } from '../errors.ts'
import { silentLog } from '../log.ts'
import { findDatabase } from '../open-storage.ts'
import { openBackup } from '../storage/backup/load.ts'
import { type LostToken, type RestoreSummary, restoreDatabase } from '../storage/backup/restore.ts'
import { migrateDatabase } from '../storage/migrate.ts'
import { untilInterrupted } from './interruption.ts'
import { count, createProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'

type Options = { replace?: boolean; quiet?: boolean }

const BLOCK_BYTES = 256 * 1024

/** `tempo restore FILE`: loads a backup, whole or not at all. */
export function restoreCommand(terminal: Terminal): Command {
  return new Command('restore')
    .description('Load a backup into an empty database')
    .argument('<file>', 'what `tempo backup` has written; - reads standard input')
    .option('--replace', 'remove what the database holds before, but for its tokens')
    .option('--quiet', 'say nothing unless it fails')
    .action((file: string, options: Options) =>
      untilInterrupted(async (signal) => {
        if (file !== '-') return restoreFile(terminal, file, options, signal)
        if (process.stdin.isTTY) {
          throw fatal(
            'restore_from_terminal',
            'There is no backup on standard input. Name a file, or send one in.',
          )
        }
        tell(terminal, await restore(terminal, process.stdin, options, signal), options)
      }),
    )
}

async function restoreFile(
  terminal: Terminal,
  path: string,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const file: FileHandle = await open(path)
  try {
    if ((await file.stat()).isDirectory()) throw fatal('backup_path', `${path} is a folder; name a file.`)
    const source = file.createReadStream({ autoClose: false, highWaterMark: BLOCK_BYTES })
    tell(terminal, await restore(terminal, source, options, signal), options)
  } finally {
    await file.close()
  }
}

async function restore(
  terminal: Terminal,
  source: Readable,
  { replace = false, quiet }: Options,
  signal: AbortSignal,
): Promise<RestoreSummary> {
  const config = loadConfig()
  const unpacked = createGunzip({ chunkSize: BLOCK_BYTES })
  // Its failure is that of `unpacked`, which we read.
  pipeline(addAbortSignal(signal, source), unpacked, () => {})
  const progress = createProgress(terminal.err, quiet)
  try {
    const backup = await openBackup(unpacked)
    const label = `tempo restore, pid ${process.pid}`
    const { target, stop } = await findDatabase(config, 'command', label, silentLog)
    try {
      await migrateDatabase(target)
      return await restoreDatabase(target, backup, { replace, onProgress: progress.show, signal })
    } finally {
      progress.end()
      await stop()
    }
  } finally {
    source.destroy()
  }
}

function tell(terminal: Terminal, { rows, lostTokens }: RestoreSummary, { quiet }: Options): void {
  if (quiet) return
  const events = `${count(rows.events ?? 0, 'event')} in ${count(rows.stacks ?? 0, 'stack')}`
  terminal.err.write(`Restored ${events}.\n`)
  if (lostTokens.length === 0) return
  terminal.err.write('The backup was made without --with-secrets. Make these tokens anew:\n')
  for (const token of lostTokens) terminal.err.write(`  ${commandFor(token)}\n`)
}

/** What makes such a token again. */
function commandFor({ name, scopes, providers, defaults, expiresAt, signature }: LostToken): string {
  const options = [
    ...['--name', name],
    ...providers.flatMap((provider) => ['--provider', provider]),
    ...Object.entries(defaults).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ...(scopes.join() === 'ingest' ? [] : scopes.flatMap((scope) => ['--scope', scope])),
    ...(expiresAt ? ['--expires', expiresAt.toISOString()] : []),
    ...(signature === null ? [] : [signature === 'required' ? '--hmac-required' : '--hmac']),
  ]
  return ['tempo token create', ...options.map(shellWord)].join(' ')
}

/** As a shell reads it as one word; control characters of a name are not for a terminal. */
function shellWord(text: string): string {
  const plain = text.replaceAll(/\p{Cc}/gu, ' ')
  return /^[\w.:@%+=/-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", "'\\''")}'`
}
