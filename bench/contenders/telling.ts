/** This server with a channel that tells a part of the events, grouped. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { adminTokenPath } from '../../src/admin-token.ts'
import type { Contender } from '../contender.ts'
import { startOnPostgres, type TempoServer } from './tempo.ts'

/** Takes everything. */
async function startReceiver(): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Nine nodes of sixty, however mild and however often: at 2,000 events/s these are 18,000 in a minute. */
const RULES = {
  nodes: ['pve-0*'],
  minSeverity: 'ok',
  repeatMinutes: 0,
  groupWaitSeconds: 0,
  groupIntervalSeconds: 5,
}

async function addChannel({ target, dataDir }: TempoServer, url: string): Promise<void> {
  const answer = await fetch(new URL('/api/v1/channels', target.url), {
    method: 'POST',
    headers: {
      'X-Tempo-Token': (await readFile(adminTokenPath(dataDir), 'utf8')).trim(),
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ name: 'nine nodes', type: 'webhook', url, ...RULES }),
  })
  if (answer.status !== 201) throw new Error(`no channel was made: ${await answer.text()}`)
}

export const tempoTelling: Contender = {
  name: 'telling',
  title: 'this server, 15 % told to a channel',
  promise: 'stored, and what is to be told: committed and synced to disk',
  start: async (bench) => {
    const receiver = await startReceiver()
    const running = await startOnPostgres(bench, {}, (server) => addChannel(server, receiver.url))
    return {
      ...running,
      stop: async () => {
        await running.stop()
        await receiver.stop()
      },
    }
  },
}
