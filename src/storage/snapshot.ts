/** A state of the database, as PostgreSQL writes it: the text of a pg_snapshot, `xmin:xmax:xip,xip,…`. */
export type Snapshot = string

const PATTERN = /^(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)$/

/** True for what PostgreSQL reads as a pg_snapshot: the transactions under way lie in order between the two ends. */
export function isSnapshot(text: unknown): text is Snapshot {
  const parts = typeof text === 'string' && text.length <= 4_000 && PATTERN.exec(text)
  if (!parts) return false
  const [xmin, xmax] = [BigInt(parts[1]!), BigInt(parts[2]!)]
  const underWay = parts[3] ? parts[3].split(',').map(BigInt) : []
  const isInOrder = underWay.every((id, index) => id >= (underWay[index - 1] ?? xmin) && id < xmax)
  return isInOrder && xmin <= xmax && isTransaction(xmin) && isTransaction(xmax)
}

/** Its lower half is never 0: that number means no transaction. */
function isTransaction(id: bigint): boolean {
  return (id & 0xffff_ffffn) !== 0n
}
