/** Servers that store nothing: what HTTP and JSON alone cost, and so the ceiling of any receiver on Node. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBodies } from '../bodies.ts'
import { freePort, startService } from '../child.ts'
import type { Bench, Contender, Running } from '../contender.ts'
import { runWrk } from '../wrk.ts'

function bare(name: string, title: string, file: string): Contender {
  const script = fileURLToPath(new URL(`../servers/${file}`, import.meta.url))
  async function start({ folder }: Bench): Promise<Running> {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const service = await startService({
      command: process.execPath,
      args: [script, String(port)],
      logFile: join(folder, `${name}.log`),
      readyUrl: `${url}/ready`,
    })
    const target = { url: `${url}/ingest`, bodiesFile: await writeBodies(folder, 'proxmox'), token: 'none' }
    return {
      ...service,
      load: (load) => runWrk(target, load),
      postmaster: null,
      countRows: null,
    }
  }
  return { name, title, promise: 'nothing: the event is parsed and dropped', warmUpSeconds: 5, start }
}

export const bareHttp = bare('http', 'bare node:http', 'bare-http.ts')
export const bareHono = bare('hono', 'bare Hono', 'bare-hono.ts')
