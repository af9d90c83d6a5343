/** Senders that go on whatever happens to the servers, as Proxmox nodes do, and what they were told. */
import assert from 'node:assert/strict'
import type { Database } from '../../src/storage/database.ts'
import { assertInvariants } from './invariants.ts'

export type SteadyLoad = {
  /** Id of the event by the mark in its metadata: answered with 200. */
  stored: Map<string, string>
  /** The same for those answered with 202. */
  spooled: Map<string, string>
  /** Other answers, by status. */
  refused: Map<number, number>
  /** Requests that got no answer: nobody was told anything. */
  broken: () => number
  /** The longest that a sender has waited for an answer, in milliseconds, since the last call of `forgetWaits`. */
  longestMs: () => number
  forgetWaits: () => void
  /** Answers with 200 or 202 so far. */
  taken: () => number
  /** Lets each sender end with the answer that it waits for. */
  stop: () => Promise<void>
}

export type SteadyOptions = {
  senders?: number
  /** What is added to the body of the event with this number. */
  body?: (number: number) => Record<string, unknown>
  /** What each sender waits between two events, in milliseconds; 0: nothing. */
  pauseMs?: number
}

/** What a sender waits before it tries again, when there was no answer at all. */
const AFTER_BREAK_MS = 200
/** Proxmox hangs up after this time. */
const HANG_UP_MS = 10_000

let marks = 0

/** Each sender posts one event after the other, to the servers in turn. `urls` is asked each time. */
export function startSteadyLoad(
  urls: () => string[],
  token: string,
  { senders = 16, body = () => ({}), pauseMs = 0 }: SteadyOptions = {},
): SteadyLoad {
  const stored = new Map<string, string>()
  const spooled = new Map<string, string>()
  const refused = new Map<number, number>()
  let broken = 0
  let longest = 0
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
    const all = urls()
    const begun = performance.now()
    const response = await fetch(`${all[number % all.length]}/ingest`, {
      method: 'POST',
      headers: { 'X-Tempo-Token': token },
      body: JSON.stringify({ providerIdentifier: 'com.proxmox', title: 'backup', metadata, ...body(number) }),
      signal: AbortSignal.timeout(HANG_UP_MS),
    }).finally(() => {
      longest = Math.max(longest, performance.now() - begun)
    })
    const answer = (await response.json()) as { id: string }
    if (response.status === 200) stored.set(mark, answer.id)
    else if (response.status === 202) spooled.set(mark, answer.id)
    else refused.set(response.status, (refused.get(response.status) ?? 0) + 1)
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      try {
        await send()
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      } catch {
        broken++
        await new Promise((resolve) => setTimeout(resolve, AFTER_BREAK_MS))
      }
    }
  }

  const loops = Array.from({ length: senders }, loop)
  return {
    stored,
    spooled,
    refused,
    broken: () => broken,
    longestMs: () => longest,
    forgetWaits: () => {
      longest = 0
    },
    taken: () => stored.size + spooled.size,
    stop: async () => {
      stopped = true
      await Promise.all(loops)
    },
  }
}

/** All that was answered with 200 or 202 is there exactly once, and the stacks agree with their events. */
export async function assertKept(db: Database, loads: SteadyLoad[]): Promise<void> {
  const rows = await db.read<{ id: string; mark: string }[]>`SELECT id, metadata->>'mark' AS mark FROM events`
  const byMark = Map.groupBy(rows, ({ mark }) => mark)
  const wrong = (taken: Map<string, string>, status: number) =>
    [...taken]
      .filter(([mark, id]) => byMark.get(mark)?.length !== 1 || byMark.get(mark)![0]!.id !== id)
      .map(([mark, id]) => `${status} ${mark} ${id}: ${byMark.get(mark)?.map((row) => row.id) ?? 'lost'}`)
  const all = loads.flatMap(({ stored, spooled }) => [...wrong(stored, 200), ...wrong(spooled, 202)])
  assert.deepEqual(all.slice(0, 20), [], `${all.length} events that were answered are not there exactly once`)
  const repeated = [...byMark].filter(([mark, events]) => mark !== null && events.length > 1)
  assert.deepEqual(repeated.slice(0, 20), [], 'no event is there twice, answered or not')
  await assertInvariants(db)
}
