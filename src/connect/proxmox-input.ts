/** What must be known of a Proxmox to connect it, and whether Proxmox itself will take it. */
import type { FieldError } from '../errors.ts'

export type ProxmoxConnection = {
  /** Name of the target. */
  name: string
  /** Address of this server as Proxmox reaches it, with or without the path of an intake. */
  url: string
  token: string
  /** Address of the web interface of Proxmox, for links; null when it is not known. */
  ui: string | null
  cluster: string | null
  /** Version of the product, as `8.2` or `8.3.1-1`; null: recent. */
  pveVersion: string | null
  product: 'pve' | 'pbs'
}

/** A connection that is sound; `url` is that of the target's own intake. */
export type CheckedConnection = {
  product: 'pve' | 'pbs'
  name: string
  url: string
  token: string
  webhooks: boolean
  defaults: Record<string, string>
}

/** The first releases with any notification targets, and with webhook targets. */
const RELEASES = {
  pve: { title: 'Proxmox VE', targets: [8, 1], webhooks: [8, 3] },
  pbs: { title: 'Proxmox Backup Server', targets: [3, 2], webhooks: [3, 3] },
} as const

/** An http address of host and path only: no quotes, blanks or braces, which a shell or a template would read. */
const ADDRESS =
  /^https?:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[\w.~%+@:-]*)*$/i
const INTAKES = /(?:\/(?:ingest(?:\/proxmox)?|events|message))?\/*$/

/** All that is wrong, with `checked` to be used only when nothing is. */
export function checkConnection(given: ProxmoxConnection): {
  errors: FieldError[]
  checked: CheckedConnection
} {
  const errors: FieldError[] = []
  const refuse = (path: string, message: string) => errors.push({ path, message })
  const [name, url, ui] = [given.name.trim(), given.url.trim(), given.ui?.trim() || null]

  // The schema of names in Proxmox, so that no shell or path can be misled by one.
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{1,31}$/.test(name)) {
    refuse('name', 'must be 2 to 32 letters, digits, dots, dashes or underscores, as Proxmox has it')
  }
  if (!isAddress(url)) {
    refuse('url', 'must be an address such as http://tempo.lan:7776, without user, query, quotes or blanks')
  }
  if (!/^[\x21-\x7e]{1,500}$/.test(given.token)) refuse('token', 'must be a token, without blanks')
  if (ui !== null && !isAddress(ui)) refuse('ui', 'must be an address such as https://pve.lan:8006')
  if (/[\x00-\x1f\x7f]/.test(given.cluster ?? '')) refuse('cluster', 'must be a single line')

  const webhooks = hasWebhooks(given, refuse)
  const base = url.replace(INTAKES, '')
  return {
    errors,
    checked: {
      product: given.product,
      name,
      url: webhooks ? `${base}/ingest/proxmox` : base,
      token: given.token,
      webhooks,
      defaults: defaultsOf(ui, given.cluster?.trim() || null),
    },
  }
}

function isAddress(text: string): boolean {
  return text.length <= 2000 && ADDRESS.test(text) && URL.canParse(text)
}

/** Templates of actions put a path behind ServerUrl, so it ends without a slash. */
function defaultsOf(ui: string | null, cluster: string | null): Record<string, string> {
  return {
    ...(ui === null ? {} : { ServerUrl: ui.replace(/\/{1,100}$/, '') }),
    ...(cluster === null ? {} : { Cluster: cluster }),
  }
}

function hasWebhooks(
  { product, pveVersion }: ProxmoxConnection,
  refuse: (path: string, message: string) => void,
): boolean {
  if (pveVersion === null || pveVersion.trim() === '') return true
  const { title, targets, webhooks } = RELEASES[product]
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?(?:[.\-~+ ].*)?$/.exec(pveVersion.trim())
  if (!match) {
    refuse('pveVersion', 'must be a version such as 8.2')
    return true
  }
  const version = [Number(match[1]), Number(match[2] ?? 0)] as const
  if (!isAtLeast(version, targets)) {
    refuse('pveVersion', `${title} has notification targets from ${targets.join('.')} on; upgrade it first`)
  }
  return isAtLeast(version, webhooks)
}

function isAtLeast(version: readonly [number, number], first: readonly [number, number]): boolean {
  return version[0] !== first[0] ? version[0] > first[0] : version[1] >= first[1]
}
