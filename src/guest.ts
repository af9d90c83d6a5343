/** Guests (virtual machines and containers) and their backups, as reports tell of them. */
export const BACKUP_STATUSES = ['ok', 'failed', 'aborted', 'unparsed'] as const
/** How a backup ended; `aborted`: never reached; `unparsed`: its row could not be read, and never counts as good. */
export type BackupStatus = (typeof BACKUP_STATUSES)[number]

/** The backup of one guest in one run. */
export type GuestBackup = {
  id: string
  /** The event that tells of it in the guest's own stack; that of the report when it has only this guest. */
  eventId: string
  cluster: string
  node: string | null
  vmid: string
  name: string | null
  status: BackupStatus
  startedAt: Date
  durationSeconds: number | null
  sizeBytes: number | null
  file: string | null
  jobId: string | null
  /** The guest's own lines of the report's log. */
  log: string | null
}

/** A run of a backup job on one node. */
export type BackupReport = {
  /** Guests are known by cluster and VMID; their node may change. */
  cluster: string
  node: string | null
  /** Null: started by hand. */
  jobId: string | null
  startedAt: Date
  /** When the node reported, which is at the end. */
  endedAt: Date
  /** Rows were cut off or could not be read: who is not in it may have been. */
  incomplete: boolean
  /** Why the table is empty, as the report says. */
  reason: string | null
  backups: GuestBackup[]
}

/** What became of one guest in a run. */
export type GuestResult = Pick<GuestBackup, 'vmid' | 'name' | 'status' | 'durationSeconds' | 'sizeBytes'>

/** A stored report of a job that runs by itself, with what became of each guest; `id` is that of its event. */
export type JobReport = Pick<BackupReport, 'cluster' | 'node' | 'startedAt' | 'endedAt' | 'incomplete'> & {
  id: string
  jobId: string
  guests: GuestResult[]
}

/** A guest, by its latest report. */
export type Guest = {
  cluster: string
  vmid: string
  name: string | null
  node: string | null
  firstSeenAt: Date
  lastSeenAt: Date
  lastSuccessAt: Date | null
  lastStatus: BackupStatus | null
  /** Set while the guest needs no backup. */
  parked: { reason: string; from: Date; to: Date | null; by: string } | null
}
