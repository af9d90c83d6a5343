/** Processes of the system: running one to its end, and telling a PostgreSQL of ours from a stranger with its pid. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

/** Who a child runs as; undefined everywhere stands for ourselves. */
export type SystemUser = { name: string; uid: number; gid: number }

/** Told what happens while the database starts; the shape of the server's own logger. */
export type EmbeddedLog = (
  level: 'debug' | 'info' | 'warn',
  message: string,
  facts?: Record<string, unknown>,
) => void

/**
 * All that a child sees of our environment: another user could read a secret in it through /proc, and a PGDATA or
 * PGPORT of the caller would change what PostgreSQL does. Windows starts nothing without SystemRoot and its like.
 */
const CHILD_ENVIRONMENT =
  process.platform === 'win32'
    ? undefined
    : { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * What every child is spawned with. Node drops all supplementary groups when it is given a uid, so a child of root
 * keeps none of root's.
 */
export function childOptions(user: SystemUser | undefined, cwd: string) {
  return {
    cwd,
    windowsHide: true,
    ...(CHILD_ENVIRONMENT && { env: CHILD_ENVIRONMENT }),
    ...(user && { uid: user.uid, gid: user.gid }),
  }
}

/** Spawns a program; Node throws some causes of failure (EPERM) and reports others by an event (ENOENT). */
export function spawnChild(
  command: string,
  args: string[],
  options: SpawnOptions,
  onError: (error: Error) => void,
): ChildProcess | undefined {
  try {
    return spawn(command, args, options).on('error', onError)
  } catch (error) {
    onError(error as Error)
  }
}

/** Runs a program to its end. A program that cannot be started at all is a failure like any other, with code null. */
export function run(
  command: string,
  args: string[],
  options: { user?: SystemUser | undefined; cwd?: string; input?: string } = {},
): Promise<{ ok: boolean; code: number | null; stdout: string; output: string }> {
  return new Promise((resolve) => {
    let stdout = ''
    let output = ''
    const finish = (code: number | null) => resolve({ ok: code === 0, code, stdout, output: output.trim() })
    const fail = (error: Error) => {
      output += error.message
      finish(null)
    }
    const child = spawnChild(command, args, childOptions(options.user, options.cwd ?? '/'), fail)
    if (!child) return
    child.on('close', finish)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      output += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    // A program that ends before it has read its input is judged by its exit code.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })
}

/** True when a signal to this pid would find something, be it a zombie that no init of a container ever reaps. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * True when this pid is a PostgreSQL working on this cluster. After a restart of a container or of the machine the pid
 * in a lock file often belongs to something else; PostgreSQL itself only asks whether it is alive.
 */
export async function isPostgresOf(pid: number, clusterDir: string): Promise<boolean> {
  if (!pidExists(pid)) return false
  if (process.platform === 'win32') return true
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)])
    return stdout.includes('postgres') && stdout.includes(clusterDir)
  }
  // A zombie has an empty command line. The working directory is for the children, whose arguments are overwritten.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const [program = '', ...args] = commandLine.split('\0')
  if (!basename(program.split(':')[0] ?? '').startsWith('postgres')) return false
  if (args.includes(clusterDir)) return true
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === clusterDir
}
