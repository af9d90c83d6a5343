/** What a notification is about, in the names that scores read. */
import { isObject, type Lookup, textOf } from './value.ts'

/** Names of ours, each with the names of theirs that mean it, the likeliest first. */
const NAMES = {
  NodeName: 'nodename node hostname host pvenode proxmoxnode nodeid',
  VMID: 'vmid guestid ctid containerid lxcid qemuid',
  GuestName: 'guestname vmname ctname containername',
  AlertID: 'alertid alertuuid',
  AlertName: 'alertname',
  RuleName: 'rulename alertrule rule',
  Connection: 'connectionname connection connectionid',
  Cluster: 'clustername cluster',
  ServerUrl: 'serverurl url link href dashboardurl proxcenterurl',
  JobId: 'jobid',
  TaskType: 'tasktype',
  UPID: 'upid taskid',
} as const

const GUEST = ['vm', 'guest', 'ct', 'container', 'lxc', 'qemu'] as const
const GUEST_KIND = /^(?:vm|ct|lxc|qemu|guest|container)$/i
const NODE_KIND = /^(?:node|host)$/i

/** As a text of ProxCenter or a person writes it: `VM 101`, `CT #105`, `qemu/101`. */
const GUEST_IN_TEXT = /\b(?:vm|ct|lxc|qemu|guest|container|vmid)(?:\s+|\s*[:#/=(]\s*#?)(\d{3,9})\b/i
/** `Node pve1 is offline`, `Node pve1 : RAM critical (92.3%)`, `on node pve1`; not `node memory is low`. */
const NODE_IN_TEXT =
  /\bnode\s+["']?(?!(?:is|has|was|went|became|offline|down|unreachable|cpu|memory|ram|disk|storage|swap|load|status)\b)([a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?)["']?(?=\s*[:,;)]|\.?\s*$|\s+(?:is|has|was|went|became|unreachable|offline|down|cpu|ram|memory|storage|disk)\b)/im

/** The names of ours that have a value; `texts` are searched for what no name gives. */
export function readSubject(found: Lookup, texts: readonly (string | null)[]): Record<string, string> {
  const subject = new Map<string, string>()
  for (const [ours, theirs] of Object.entries(NAMES)) {
    const names = theirs.split(' ')
    const value = found.text(...names) ?? nameIn(found.object(...names))
    if (value !== null) subject.set(ours, value)
  }
  const add = (name: string, value: string | null | undefined) => {
    if (value && !subject.has(name)) subject.set(name, value)
  }
  const alert = found.object('alert')
  if (alert) add('AlertID', textOf(alert.id))
  readGuest(found, add)
  readResource(found, add)
  for (const text of texts) {
    add('VMID', GUEST_IN_TEXT.exec(text ?? '')?.[1])
    add('NodeName', NODE_IN_TEXT.exec(text ?? '')?.[1])
  }
  return Object.fromEntries(subject)
}

type Add = (name: string, value: string | null | undefined) => void

/** `vm: 101`, `vm: "web"`, or `vm: {vmid: 101, name: "web"}`. */
function readGuest(found: Lookup, add: Add): void {
  const guest = found.object(...GUEST)
  if (guest) {
    add('VMID', textOf(guest.vmid) ?? textOf(guest.id))
    add('GuestName', textOf(guest.name))
    add('NodeName', textOf(guest.node))
  }
  for (const text of found.texts(...GUEST)) addGuest(text, add)
}

/** `resource` and `entity` with their type: a node is named as it is, a guest by its number or name. */
function readResource(found: Lookup, add: Add): void {
  for (const kind of ['resource', 'entity']) {
    const type = found.text(`${kind}type`) ?? ''
    const names = [...found.texts(`${kind}id`), ...found.texts(kind, `${kind}name`)]
    if (NODE_KIND.test(type))
      add(
        'NodeName',
        names.findLast((name) => name !== '0'),
      )
    else if (GUEST_KIND.test(type)) for (const name of names) addGuest(name, add)
  }
}

function addGuest(text: string, add: Add): void {
  const [vmid] = /\d{3,9}$/.exec(/^(?:[a-z]+[/:#\s]+)?\d{3,9}$/i.test(text) ? text : '') ?? []
  add(vmid === undefined ? 'GuestName' : 'VMID', vmid ?? text)
}

function nameIn(value: unknown): string | null {
  return isObject(value) ? (textOf(value.name) ?? textOf(value.id) ?? textOf(value.url)) : null
}
