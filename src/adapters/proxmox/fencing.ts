/** What the high-availability manager says of a node that it fences. */

/** VMIDs of the guests that ran on the failed node and will be recovered elsewhere, in the order of the message. */
export function guestsOnFailedNode(message: string): number[] {
  const start = message.indexOf('were running on the failed node')
  const end = message.indexOf('The other HA resources', start)
  if (start === -1) return []
  const part = message.slice(start, end === -1 ? undefined : end)
  return [...part.matchAll(/^\s{0,8}- (?:vm|ct):([1-9]\d{0,9}) \[/gm)].map(([, vmid]) => Number(vmid))
}
