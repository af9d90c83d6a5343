/** Which addresses may be sent to: a channel must not become a way into the machine, its network, or its cloud. */
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Networks by family; IANA's special-purpose registries (RFC 6890), and the metadata services of clouds. */
const NEVER = list([
  '0.0.0.0/8', // this network, unspecified
  '169.254.0.0/16', // link-local, metadata of AWS, Google, Azure and others
  '100.100.100.200/32', // metadata of Alibaba
  '168.63.129.16/32', // Azure's wire server
  '192.0.0.192/32', // metadata of Oracle
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '::/128',
  'fe80::/10', // link-local
  'ff00::/8', // multicast
  'fd00:ec2::254/128', // metadata of AWS
  'fd20:ce::254/128', // metadata of Google
])
const PRIVATE = list([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
  'fec0::/10', // site-local, of old
  '64:ff9b:1::/48', // NAT64 of one's own network, RFC 8215
])

function list(networks: string[]): { v4: BlockList; v6: BlockList } {
  const lists = { v4: new BlockList(), v6: new BlockList() }
  for (const network of networks) {
    const [address, length] = network.split('/')
    if (isIPv4(address!)) lists.v4.addSubnet(address!, Number(length), 'ipv4')
    else lists.v6.addSubnet(address!, Number(length), 'ipv6')
  }
  return lists
}

function isIn({ v4, v6 }: { v4: BlockList; v6: BlockList }, ip: string): boolean {
  return isIPv4(ip) ? v4.check(ip, 'ipv4') : v6.check(ip, 'ipv6')
}

/**
 * True when this address may be sent to. `ip` is an address as `net.isIP` knows them, with or without a zone; anything
 * else is not allowed. An IPv6 address that leads to an IPv4 address must be allowed by both.
 */
export function isAllowedAddress(ip: string, options: { allowPrivate: boolean }): boolean {
  const plain = ip.replace(/%.*$/, '')
  if (isIP(plain) === 0) return false
  const inner = isIPv4(plain) ? [] : embedded(groupsOf(plain))
  return [plain, ...inner].every(
    (address) => !isIn(NEVER, address) && (options.allowPrivate || !isIn(PRIVATE, address)),
  )
}

/** The eight groups of an IPv6 address, in whatever form it is written. */
function groupsOf(ip: string): number[] {
  const canonical = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const [head, tail] = canonical.split('::').map((part) => (part === '' ? [] : part.split(':')))
  const missing = tail ? 8 - head!.length - tail.length : 0
  return [...head!, ...Array<string>(missing).fill('0'), ...(tail ?? [])].map((group) =>
    Number.parseInt(group, 16),
  )
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** IPv4 addresses that an IPv6 address stands for. */
function embedded(groups: number[]): string[] {
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number]
  const starts = (...head: number[]) => head.every((group, index) => groups[index] === group)
  const last = dotted(g, h)
  // ::1 and :: are addresses of their own.
  if (starts(0, 0, 0, 0, 0, 0)) return g === 0 && h <= 1 ? [] : [last]
  if (starts(0, 0, 0, 0, 0, 0xffff) || starts(0, 0, 0, 0, 0xffff, 0)) return [last]
  if (starts(0x64, 0xff9b)) return [last] // NAT64, RFC 6052 and 8215
  if (a === 0x2002) return [dotted(b, c)] // 6to4, RFC 3056
  if (starts(0x2001, 0)) return [dotted(c, d), dotted(g ^ 0xffff, h ^ 0xffff)] // Teredo, RFC 4380
  if ((e & 0xfdff) === 0 && f === 0x5efe) return [last] // ISATAP, RFC 5214
  return []
}
