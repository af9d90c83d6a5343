/** Senders that post without a pause, and what they were told. */
import assert from 'node:assert/strict'
import type { Database } from '../../src/storage/database.ts'
import { assertInvariants } from './invariants.ts'
import { eventually } from './server.ts'

export type Load = {
  /** Id of the event by the mark in its metadata: what was answered with 200 or 202. */
  answered: Map<string, string>
  /** How many of them were answered with 202. */
  spooled: () => number
  /** 200 or 202, whichever answered the event with this mark. */
  statusOf: (mark: string) => number
  /** Milliseconds of the answer that took longest. */
  slowest: () => number
  /** Other answers, by status. */
  refused: Map<number, number>
  /** Lets each sender end with the answer that it waits for. */
  stop: () => Promise<void>
}

let marks = 0

/** Sixteen senders post to a few stacks; each ends when it cannot reach the server any more. */
export function startLoad(url: string, token: string, senders = 16): Load {
  const answered = new Map<string, string>()
  const refused = new Map<number, number>()
  const spooled = new Set<string>()
  let slowest = 0
  let stopped = false

  async function send(): Promise<void> {
    const number = marks++
    const mark = `mark-${process.pid}-${number}`
    const metadata = {
      NodeName: `pve-${number % 2}`,
      VMID: String(100 + (number % 5)),
      severity: 'info',
      mark,
    }
    const body = JSON.stringify({ providerIdentifier: 'com.proxmox', title: 'backup', metadata })
    const begun = performance.now()
    const response = await fetch(`${url}/ingest`, {
      method: 'POST',
      headers: { 'X-Tempo-Token': token },
      body,
    })
    const answer = (await response.json()) as { id: string }
    slowest = Math.max(slowest, performance.now() - begun)
    if (response.status === 202) spooled.add(mark)
    if (response.ok) answered.set(mark, answer.id)
    else refused.set(response.status, (refused.get(response.status) ?? 0) + 1)
  }

  async function loop(): Promise<void> {
    try {
      while (!stopped) await send()
    } catch {
      // The connection was refused, or cut before the answer: nobody was told that the event is stored.
    }
  }

  const loops = Array.from({ length: senders }, loop)
  return {
    answered,
    spooled: () => spooled.size,
    statusOf: (mark) => (spooled.has(mark) ? 202 : 200),
    slowest: () => slowest,
    refused,
    stop: async () => {
      stopped = true
      await Promise.all(loops)
    },
  }
}

/**
 * Everything that was accepted is there exactly once, as soon as the spool is empty, and the stacks agree with their
 * events.
 */
export async function assertStored(db: Database, loads: Load[]): Promise<void> {
  const read = () => db.read<{ id: string; mark: string }[]>`SELECT id, metadata->>'mark' AS mark FROM events`
  const marks = loads.flatMap(({ answered }) => [...answered.keys()])
  const rows = await eventually(async () => {
    // Away itself for a moment, perhaps.
    const found = await read().catch(() => [])
    const present = new Set(found.map(({ mark }) => mark))
    return marks.every((mark) => present.has(mark)) && found
  }, 30_000).catch(read)
  const byMark = Map.groupBy(rows, ({ mark }) => mark)
  for (const { answered, statusOf } of loads) {
    for (const [mark, id] of answered) {
      const found = byMark.get(mark)?.map((row) => row.id)
      assert.deepEqual(found, [id], `${mark} was answered with ${statusOf(mark)}`)
    }
  }
  const repeated = [...byMark].filter(([, events]) => events.length > 1)
  assert.deepEqual(repeated, [], 'no event is there twice, answered or not')
  await assertInvariants(db)
}
