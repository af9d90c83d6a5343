/** The kinds of notification of Proxmox VE and Proxmox Backup Server, and how their titles tell them. */

/** The field `type`, and `test` for the Test button, which sends no fields. */
export const PROXMOX_KINDS = [
  'vzdump',
  'replication',
  'fencing',
  'package-updates',
  'system-mail',
  'test',
  'acme',
  'gc',
  'prune',
  'sync',
  'tape-backup',
  'tape-load',
  'thresholds',
  'verification',
] as const
export type ProxmoxKind = (typeof PROXMOX_KINDS)[number]

/** Kinds that only Proxmox Backup Server has. */
const BACKUP_KINDS: ReadonlySet<ProxmoxKind> = new Set([
  'acme',
  'gc',
  'prune',
  'sync',
  'tape-backup',
  'tape-load',
  'thresholds',
  'verification',
])

export type Outcome = 'ok' | 'failed'

/** What a title says; null where it does not. */
export type TitleFacts = {
  kind: ProxmoxKind
  outcome: Outcome | null
  /** The name in brackets, as far as it has a domain. */
  fqdn: string | null
  /** Short name of the node that it is about. */
  node: string | null
  jobId: string | null
  datastore: string | null
}

/** The kind that a field `type` names: the documentation of Proxmox Backup Server says verification, its code verify. */
export function kindOfType(type: string | null): ProxmoxKind | null {
  const said = type?.trim().toLowerCase()
  const name = said === 'verify' ? 'verification' : said
  return PROXMOX_KINDS.find((kind) => kind === name) ?? null
}

export function isBackupServerKind(kind: ProxmoxKind | null): boolean {
  return kind !== null && BACKUP_KINDS.has(kind)
}

/** The titles of the templates, with what they hold; of `sync` the datastore in the title is the other side's. */
const TITLES: readonly [ProxmoxKind, RegExp][] = [
  ['vzdump', /^vzdump backup status \((?<host>[^()\s]*)\)(?:: backup (?<outcome>successful|failed)\b)?/],
  ['replication', /^Replication Job: '(?<job>[^']*)' (?<outcome>failed)$/],
  ['fencing', /^(?:Trying to fence|Successfully fenced) node '(?<host>[^']*)'$/],
  ['fencing', /^(?:FENCE|SUCCEED): .*\bnode '(?<host>[^']*)'/],
  ['package-updates', /^New software packages available \((?<host>[^()\s]*)\)$/],
  ['test', /^Test notification$/],
  ['acme', /^Could not renew certificate$/],
  ['gc', /^Garbage Collect Datastore '(?<store>[^']*)' (?<outcome>successful|failed)$/],
  ['prune', /^Pruning datastore '(?<store>[^']*)' (?<outcome>successful|failed)$/],
  ['sync', /^Sync (?:remote '[^']*'|local) datastore '[^']*' (?<outcome>successful|failed)$/],
  [
    'tape-backup',
    /^Tape Backup (?:'(?<job>[^']*)' )?datastore '(?<store>[^']*)' (?<outcome>successful|failed)$/,
  ],
  ['tape-load', /^Load Media '[^']*' request for /],
  ['verification', /^Verify Datastore '(?<store>[^']*)' (?<outcome>successful|failed)$/],
]

/** What a title that Proxmox made from a template says; null for any other, such as the subject of a mail. */
export function readTitle(title: string): TitleFacts | null {
  const text = title.trim()
  for (const [kind, pattern] of TITLES) {
    const match = pattern.exec(text)
    if (match === null) continue
    const found = match.groups ?? {}
    const host = found.host || null
    return {
      kind,
      outcome: kind === 'acme' || found.outcome === 'failed' ? 'failed' : found.outcome ? 'ok' : null,
      fqdn: host?.includes('.') ? host : null,
      node: host?.split('.')[0] || null,
      jobId: found.job || null,
      datastore: found.store || null,
    }
  }
  return null
}

/** True for what the Test button sends. */
export function isTest(title: string, message: string): boolean {
  return (
    title.trim() === 'Test notification' ||
    /^This is a test of the notification target '[^'\n]*'\.$/.test(message.trim())
  )
}
