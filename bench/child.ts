/** Processes that the benchmark starts. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export type Env = Record<string, string | undefined>

/** A process that serves until it is stopped. */
export type Child = { pid: number; log: () => string; stop: () => Promise<void> }

const READY_MS = 60_000
const STOP_MS = 20_000
const LOG_LINES = 15

const running = new Set<ChildProcess>()

/** Ends what still runs, at once; for the end of the benchmark. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Nothing of our own environment configures a contender. */
function environment(env: Env): Env {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, ...env }
}

export type Service = { command: string; args: string[]; env?: Env; logFile: string; readyUrl: string }

/** Starts a server and waits until it answers `readyUrl` with 200; fails with the end of its log. */
export async function startService({ command, args, env = {}, logFile, readyUrl }: Service): Promise<Child> {
  const output = openSync(logFile, 'a')
  const child = spawn(command, args, { env: environment(env), stdio: ['ignore', output, output] })
  closeSync(output)
  running.add(child)
  const exited = once(child, 'exit').finally(() => running.delete(child))
  exited.catch(() => {})
  const log = () => readFileSync(logFile, 'utf8').trim().split('\n').slice(-LOG_LINES).join('\n')
  async function stop(): Promise<void> {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.kill('SIGTERM')
    await exited
    clearTimeout(timer)
  }
  const deadline = Date.now() + READY_MS
  while (!(await isReady(readyUrl))) {
    const ended = child.exitCode !== null || child.signalCode !== null
    if (!ended && Date.now() < deadline) {
      await delay(50)
      continue
    }
    if (!ended) await stop()
    throw new Error(`${command} ${args.join(' ')} ${ended ? 'ended' : 'does not answer'}:\n${log()}`)
  }
  return { pid: child.pid!, log, stop }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { headers: { connection: 'close' } })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

/** Runs a program to its end and gives what it printed; fails with that when it failed. */
export function runProgram(
  command: string,
  args: string[],
  env: Env = {},
  cwd = process.cwd(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: environment(env), cwd, maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      running.delete(child)
      if (error)
        reject(new Error(`${command} ${args[0] ?? ''} failed:\n${stderr}${stdout}`, { cause: error }))
      else resolve(stdout)
    })
    running.add(child)
  })
}

/** Path of the first of these programs that is in `PATH`. */
export function findProgram(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A port of 127.0.0.1 that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
