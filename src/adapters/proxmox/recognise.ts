/** The fields of a notification that came without any, as a Gotify target sends it. */
import { readBackupServerMessage } from './backup-server.ts'
import { isBackupServerKind, isTest, readTitle } from './kinds.ts'
import { readSubject } from './system-mail.ts'

/** `known` for a title that Proxmox itself makes; `fields` are those that title and message tell. */
export type Recognised = { known: boolean; fields: Record<string, string> }

/** A mail counts as unknown whatever its subject, but its host may stand there; the Test button has no fields. */
export function recogniseFields(title: string, message: string): Recognised {
  if (isTest(title, message)) return { known: true, fields: {} }
  const said = readTitle(title)
  if (said === null) {
    return { known: false, fields: present({ type: 'system-mail', hostname: readSubject(title)?.node }) }
  }
  const backup = isBackupServerKind(said.kind) ? readBackupServerMessage(said.kind, message) : null
  return {
    known: true,
    fields: present({
      type: said.kind,
      hostname: said.node ?? backup?.fqdn?.split('.')[0],
      'job-id': said.jobId ?? backup?.jobId,
      datastore: backup?.datastore ?? said.datastore,
      'media-pool': backup?.mediaPool,
    }),
  }
}

function present(fields: Record<string, string | null | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => !!entry[1]))
}
