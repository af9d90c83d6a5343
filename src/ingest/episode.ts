import { isProxmox, kindOfType } from '../adapters/proxmox.ts'
import { type EpisodeMark, type IncomingEvent, severityRank } from '../event.ts'
import type { Evaluation } from '../scores/evaluate.ts'
import { cut } from '../scores/excerpt.ts'
import { readMetadata, textOf } from '../scores/metadata.ts'

/** What a sender of its own may say of itself, as `metadata.state`. */
const OVER = ['resolved', 'recovered']
/** As long as node and VMID may be: it is part of an entry in an index. */
const LONGEST_JOB_ID = 255

/**
 * What a complete event says of a replication job, of which Proxmox tells failures only: a failure keeps its episode
 * open, and an event that a score lets close a session, or that says so itself, ends it. Events of other kinds tell
 * nothing of a replication, whatever they close.
 */
export function findEpisode(
  event: Pick<IncomingEvent, 'provider' | 'metadata'>,
  { severity, role, node, vmid }: Pick<Evaluation, 'severity' | 'role' | 'node' | 'vmid'>,
): { episode?: EpisodeMark } {
  if (!isProxmox(event.provider)) return {}
  const text = (name: string) => textOf(readMetadata(event.metadata, name))
  const type = text('TaskType')
  const isReplication = kindOfType(type) === 'replication'
  const isOver = role === 'closes' || OVER.includes((text('state') ?? '').toLowerCase())
  if (!isReplication && !isOver) return {}
  const jobId = cut(text('JobId') ?? '', LONGEST_JOB_ID) || null
  const key = jobId === null ? null : `replication ${node ?? ''} ${jobId}`
  if (isOver) {
    const isAbout = (isReplication || type === null) && (key !== null || vmid !== null)
    return isAbout ? { episode: { does: 'recovers', key, jobId } } : {}
  }
  const isBad = severityRank(severity) >= severityRank('error')
  return isReplication && isBad && key !== null ? { episode: { does: 'fails', key, jobId } } : {}
}
