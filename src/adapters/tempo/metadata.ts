/** What the sender tells beyond our own fields. */
import type { Metadata } from '../../event.ts'
import type { Findings } from './findings.ts'
import { hasTemplate, warnOfTemplate } from './template.ts'
import { isAbsent, isObject, kindOf, quote } from './value.ts'

const MAX_METADATA_KEYS = 256
const MAX_METADATA_LEVELS = 16
/** The address in the template that we hand out. */
const EXAMPLE_HOST = 'your-proxmox.lan'

/** Checked by hand and given back as it is: a copy made key by key would lose a key `__proto__`. */
export function readMetadata(value: unknown, found: Findings): Metadata {
  if (isAbsent(value)) return {}
  if (!isObject(value)) {
    const advice =
      typeof value === 'string' && value.trim().startsWith('{') ? '; leave out the quotes around it' : ''
    found.error('metadata', `must be an object, not ${kindOf(value)}${advice}`)
    return {}
  }
  checkMetadata(value, found)
  if (typeof value.ServerUrl === 'string' && value.ServerUrl.includes(EXAMPLE_HOST)) {
    found.warn(
      `metadata.ServerUrl is still the example ${EXAMPLE_HOST}; put the address of your Proxmox into the template`,
    )
  }
  return value
}

/** An object or array of the metadata; its path is put together only when there is something to say about it. */
type Container = {
  parent: Container | null
  key: string | number
  holder: Record<string, unknown> | unknown[]
}

/** Level by level instead of by recursion, so that no nesting can overflow the stack. */
function checkMetadata(metadata: Record<string, unknown>, found: Findings): void {
  let level: Container[] = [{ parent: null, key: 'metadata', holder: metadata }]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_METADATA_LEVELS) {
      found.error(pathOf(level[0]!), `lies more than ${MAX_METADATA_LEVELS} levels deep`)
      return
    }
    const next: Container[] = []
    for (const container of level) checkContainer(container, next, found)
    level = next
  }
}

function checkContainer(container: Container, next: Container[], found: Findings): void {
  const { holder } = container
  if (Array.isArray(holder)) {
    for (let index = 0; index < holder.length; index++)
      checkChild(container, index, holder[index], next, found)
    return
  }
  const keys = Object.keys(holder)
  if (keys.length <= MAX_METADATA_KEYS) {
    for (const key of keys) checkChild(container, key, holder[key], next, found)
  } else {
    found.error(
      pathOf(container),
      `has ${keys.length} keys; at most ${MAX_METADATA_KEYS} are allowed in one object`,
    )
  }
}

function checkChild(
  parent: Container,
  key: string | number,
  child: unknown,
  next: Container[],
  found: Findings,
): void {
  if (typeof child === 'object' && child !== null) {
    next.push({ parent, key, holder: child as Container['holder'] })
  } else if (typeof child === 'string' && hasTemplate(child)) {
    // Logs of Proxmox quote {{guestname}} and the like.
    if (String(key).toLowerCase() !== 'message') warnOfTemplate(pathOf({ parent, key }), child, found)
  }
}

/** `metadata.guests[2].name`; a key that is no plain name stands in brackets and quotes. */
function pathOf({ parent, key }: Pick<Container, 'parent' | 'key'>): string {
  if (parent === null) return String(key)
  if (typeof key === 'number') return `${pathOf(parent)}[${key}]`
  return /^[A-Za-z_$][\w$]{0,60}$/.test(key) ? `${pathOf(parent)}.${key}` : `${pathOf(parent)}[${quote(key)}]`
}
