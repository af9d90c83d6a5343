/** How a Proxmox VE or Proxmox Backup Server is set up to send here, as lines to paste and as fields to type. */
import { NATIVE_TEMPLATE } from '../adapters/proxmox.ts'
import { invalidInput } from '../errors.ts'
import { type CheckedConnection, checkConnection, type ProxmoxConnection } from './proxmox-input.ts'
import { shellCommand } from './shell.ts'

export type { ProxmoxConnection } from './proxmox-input.ts'

/** A field of the form in the web interface of Proxmox. */
export type FormField = { label: string; value: string }

export type ProxmoxSetup = {
  /** Webhook from PVE 8.3 and PBS 3.3 on; Gotify before. */
  target: 'webhook' | 'gotify'
  /** Provider that the token should be bound to. */
  provider: string
  /** Metadata that the token should add to its events. */
  defaults: Record<string, string>
  /** Adds the target, names it in the matcher, and sends a test; each one command for a root shell of the node. */
  commands: { create: string; matcher: string; test: string }
  /** Where the form is, and what to type. */
  form: { place: string; fields: FormField[] }
  /** What to know before the first notification. */
  notes: string[]
}

const HEADERS: readonly [name: string, value: string][] = [
  ['Content-Type', 'application/json'],
  ['X-Tempo-Token', '{{ secrets.token }}'],
]
const OPTIONS = ['--name', '--method', '--url', '--header', '--secret', '--body', '--server', '--token']

/** Throws 422 with all that cannot stand in the configuration of Proxmox, or is too old to send. */
export function buildProxmoxSetup(connection: ProxmoxConnection): ProxmoxSetup {
  const { errors, checked } = checkConnection(connection)
  if (errors.length > 0) throw invalidInput('connection', errors)
  const target = checked.webhooks ? 'webhook' : 'gotify'
  return {
    target,
    provider: checked.product === 'pbs' ? 'com.proxmox.backup' : 'com.proxmox',
    defaults: checked.defaults,
    commands: {
      create: shellCommand(createWords(checked), OPTIONS),
      matcher: shellCommand(matcherWords(checked)),
      test: shellCommand(testWords(checked)),
    },
    form: {
      place: placeOf(checked),
      fields: target === 'webhook' ? webhookForm(checked) : gotifyForm(checked),
    },
    notes: notesFor(checked),
  }
}

/** The two products take the same options, and differ in how a command begins. */
function createWords(connection: CheckedConnection): string[] {
  const { product, name, webhooks } = connection
  const type = webhooks ? 'webhook' : 'gotify'
  const start =
    product === 'pve'
      ? ['pvesh', 'create', `/cluster/notifications/endpoints/${type}`, '--name', name]
      : ['proxmox-backup-manager', 'notification', 'endpoint', type, 'create', name]
  return [...start, ...(webhooks ? webhookOptions(connection) : gotifyOptions(connection))]
}

/** Proxmox takes the values of headers and secrets, and the body, in base64. */
function webhookOptions({ url, token }: CheckedConnection): string[] {
  const headers = HEADERS.flatMap(([name, value]) => ['--header', `name=${name},value=${base64(value)}`])
  const secret = ['--secret', `name=token,value=${base64(token)}`]
  return ['--method', 'post', '--url', url, ...headers, ...secret, '--body', base64(NATIVE_TEMPLATE)]
}

function gotifyOptions({ url, token }: CheckedConnection): string[] {
  return ['--server', url, '--token', token]
}

/** The list of targets is replaced as a whole, so the one that is there at first is named again. */
function matcherWords({ product, name }: CheckedConnection): string[] {
  const start =
    product === 'pve'
      ? ['pvesh', 'set', '/cluster/notifications/matchers/default-matcher']
      : ['proxmox-backup-manager', 'notification', 'matcher', 'update', 'default-matcher']
  return [...start, '--target', 'mail-to-root', '--target', name]
}

function testWords({ product, name }: CheckedConnection): string[] {
  return product === 'pve'
    ? ['pvesh', 'create', `/cluster/notifications/targets/${name}/test`]
    : ['proxmox-backup-manager', 'notification', 'target', 'test', name]
}

function placeOf({ product, webhooks }: CheckedConnection): string {
  const start = product === 'pve' ? 'Datacenter → Notifications' : 'Configuration → Notifications'
  return `${start} → Add → ${webhooks ? 'Webhook' : 'Gotify'}`
}

/** The form takes plain text and encodes it itself. */
function webhookForm({ name, url, token }: CheckedConnection): FormField[] {
  return [
    { label: 'Endpoint Name', value: name },
    { label: 'Method', value: 'POST' },
    { label: 'URL', value: url },
    ...HEADERS.map(([header, value]) => ({ label: `Header ${header}`, value })),
    { label: 'Body', value: NATIVE_TEMPLATE },
    { label: 'Secret token', value: token },
  ]
}

function gotifyForm({ name, url, token }: CheckedConnection): FormField[] {
  return [
    { label: 'Endpoint Name', value: name },
    { label: 'Server URL', value: url },
    { label: 'API Token', value: token },
  ]
}

function notesFor({ product, name, url, webhooks }: CheckedConnection): string[] {
  const notes = [
    'The matcher line replaces the targets of default-matcher; name those that you added to it, too.',
    product === 'pve'
      ? 'A backup job whose notification mode is legacy-sendmail, or auto with a mail address, bypasses all targets.'
      : 'A datastore or tape job whose notification mode is legacy-sendmail bypasses all targets. default-matcher leaves out prune jobs that succeed.',
  ]
  if (!webhooks) {
    notes.push(
      'A Gotify target sends neither the node nor the time; they are read from the title and the clock here.',
    )
  }
  if (url.startsWith('https:')) {
    notes.push('Proxmox checks the certificate against the roots of its system, and has no switch for that.')
  }
  return [...notes, `The token stands in the secrets of the target ${name}, which only root can read.`]
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
