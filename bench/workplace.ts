/** The temporary folder of a run. However the run ends, no process and no file of it stays. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killChildren } from './child.ts'

export type Workplace = { folder: string; makeFolder: (name: string) => Promise<string> }

/** Makes the folder in the system's one for temporary files, which `TMPDIR` names. */
export async function openWorkplace(): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'tempo-bench-'))
  process.on('exit', () => {
    killChildren()
    killDatabases(folder)
    removeFolder(folder)
  })
  for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    process.on(signal, () => process.exit(code))
  }
  // PostgreSQL, which as root runs as another user, must be able to pass.
  await chmod(folder, 0o755)
  let count = 0
  async function makeFolder(name: string): Promise<string> {
    const path = join(folder, `${name}-${++count}`)
    await mkdir(path, { mode: 0o755 })
    return path
  }
  return { folder, makeFolder }
}

/** A database that ends writes until it has ended, and `rmSync` does not always say that it met something new. */
function removeFolder(folder: string): void {
  for (let attempts = 50; existsSync(folder) && attempts > 0; attempts--) {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      if (attempts === 1) console.error(`${folder} could not be removed: ${(error as Error).message}`)
    }
    if (existsSync(folder)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
}

/** Embedded databases outlive a server that is killed. */
function killDatabases(folder: string): void {
  for (const name of readdirSync(folder)) {
    try {
      const lock = readFileSync(join(folder, name, 'postgres/postmaster.pid'), 'utf8')
      process.kill(Number.parseInt(lock, 10), 'SIGQUIT')
    } catch {
      // None runs there.
    }
  }
}
