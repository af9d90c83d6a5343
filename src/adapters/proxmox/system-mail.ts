/** Mail to root that Proxmox forwards: smartd, ZED, mdadm, cron. Its title is the subject, which can be any text. */

const SUBJECTS: readonly RegExp[] = [
  /^SMART error \([^)]*\) detected on host: (?<host>\S+)$/,
  /^Cron <[^@>]*@(?<host>[^>]+)>/,
  /^(?:Fail|FailSpare|DegradedArray|SparesMissing|RebuildFinished|TestMessage|NewArray|DeviceDisappeared|Rebuild\d+) event on \/dev\/[^\s:]+:(?<host>\S+)$/,
  /^ZFS \S+ (?:event|error|fault) for .* on (?<host>\S+)$/,
  /^ZFS (?:device fault|\S+ (?:event|error|fault)) for /,
  /^\*\*\* SECURITY information for (?<host>\S+) \*\*\*$/,
  /^apt-listchanges: \S+ for (?<host>\S+)$/,
  /^\[?(?:package on hold|unattended-upgrades)\b/i,
  /^Undelivered Mail Returned to Sender$/,
]

/** Whether a subject is one that the daemons of Debian are known to write, and the short name of the host in it. */
export function readSubject(title: string): { node: string | null } | null {
  for (const pattern of SUBJECTS) {
    const match = pattern.exec(title.trim())
    if (match) return { node: match.groups?.host?.split('.')[0] || null }
  }
  return null
}
