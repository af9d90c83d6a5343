import { Command } from 'commander'
import { makeToken } from '../auth/secret.ts'
import { buildProxmoxSetup, type ProxmoxConnection } from '../connect/proxmox.ts'
import { checkConnection } from '../connect/proxmox-input.ts'
import { fatal } from '../errors.ts'
import { isProviderIdentifier, isWithinProvider } from '../event.ts'
import { insertToken } from '../storage/tokens.ts'
import { askForUrl, printForm, printLines } from './connect-terminal.ts'
import { checkAddress, parseTimeout, prepareWatch } from './connect-watch.ts'
import { untilInterrupted } from './interruption.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

type Product = ProxmoxConnection['product']

type ConnectOptions = {
  name: string
  url?: string
  ui?: string
  cluster?: string
  pveVersion?: string
  pbsVersion?: string
  provider?: string
  gui?: boolean
  json?: boolean
  watch?: boolean
  timeout: string
}

const PRODUCTS: Record<Product, { command: string; title: string; ui: string; first: string }> = {
  pve: {
    command: 'proxmox',
    title: 'Proxmox VE',
    ui: 'https://pve.lan:8006',
    first: '8.1 and 8.2 get a Gotify target',
  },
  pbs: {
    command: 'pbs',
    title: 'Proxmox Backup Server',
    ui: 'https://pbs.lan:8007',
    first: '3.2 gets a Gotify target',
  },
}

/** `tempo connect proxmox|pbs`. */
export function connectCommand(terminal: Terminal): Command {
  const command = new Command('connect').description('Show how a Proxmox is set up to send here')
  for (const product of ['pve', 'pbs'] as const) command.addCommand(productCommand(product, terminal))
  return command
}

function productCommand(product: Product, terminal: Terminal): Command {
  const { command, title, ui, first } = PRODUCTS[product]
  return new Command(command)
    .description(`Make a token and print the lines that set up a ${title}`)
    .option('--name <name>', 'of the target in Proxmox, and of the token', 'tempo')
    .option('--url <url>', 'this server as the node reaches it, such as http://tempo.lan:7776')
    .option('--ui <url>', `its web interface, for links, such as ${ui}`)
    .option('--cluster <name>', 'what to call its cluster (default: the name)')
    .option(`--${product}-version <version>`, `its version; ${first}`)
    .option('--provider <identifier>', 'provider that the token is bound to (default: by product)')
    .option('--gui', 'print what to type into the web interface instead')
    .option('--json', 'print all of it as JSON')
    .option('--watch', 'wait for the Test, and say what arrives')
    .option('--timeout <time>', 'how long to wait for it', '10m')
    .action((options: ConnectOptions) => connect(product, options, terminal))
}

async function connect(product: Product, options: ConnectOptions, terminal: Terminal): Promise<void> {
  const timeoutMs = parseTimeout(options.timeout)
  const connection = { ...connectionOf(product, options), url: options.url ?? (await askForUrl()) }
  // Before any token is made: what cannot be set up needs none.
  const { url } = check(connection)
  const provider = readProvider(options.provider) ?? buildProxmoxSetup(connection).provider
  const tell = (text: string) => terminal.err.write(`${text}\n`)

  await withDatabase(`connect ${PRODUCTS[product].command}`, async (db) => {
    const watch = options.watch ? await prepareWatch(db) : null
    const { defaults } = buildProxmoxSetup(connection)
    const wish = { name: connection.name, scopes: ['ingest' as const], providers: [provider], defaults }
    const { secret, token } = makeToken({ ...wish, expiresAt: null }, new Date())
    await insertToken(db, token)
    const setup = { ...buildProxmoxSetup({ ...connection, token: secret }), provider }
    if (options.json) {
      const { id, name } = token
      terminal.out.write(
        `${JSON.stringify({ token: { id, name, token: secret }, url, ...setup }, null, 2)}\n`,
      )
    } else if (options.gui) printForm(setup, terminal)
    else printLines(setup, product, terminal)
    if (isLoopback(url)) tell(`# For the node, ${new URL(url).hostname} is the node itself.`)
    if (!watch) return

    const wrong = await checkAddress(url.replace(/\/ingest\/proxmox$/, ''))
    if (wrong) tell(wrong)
    tell('Waiting for the Test …')
    const awaited = { tokenId: token.id, name: token.name, target: setup.target, url }
    const end = await untilInterrupted((signal) => watch({ awaited, product, timeoutMs, signal, say: tell }))
    if (end === 'arrived') return
    const why = end === 'timeout' ? `No Test has come in ${options.timeout}.` : 'Not waiting any more.'
    tell(`${why} The token stays; take it back with: tempo token revoke ${token.id}`)
    terminal.exitCode = 1
  })
}

function connectionOf(product: Product, options: ConnectOptions): Omit<ProxmoxConnection, 'url'> {
  const name = options.name.trim()
  return {
    product,
    name,
    token: 'token',
    ui: options.ui ?? null,
    cluster: options.cluster ?? name,
    pveVersion: options.pveVersion ?? options.pbsVersion ?? null,
  }
}

function check(connection: ProxmoxConnection): { url: string } {
  const { errors, checked } = checkConnection(connection)
  if (errors.length === 0) return checked
  const flags: Record<string, string> = { pveVersion: `${connection.product}-version` }
  const lines = errors.map(({ path, message }) => `--${flags[path] ?? path}: ${message}`)
  throw fatal('bad_connection', lines.join('\n'))
}

function readProvider(provider: string | undefined): string | null {
  if (provider === undefined) return null
  if (isProviderIdentifier(provider) && isWithinProvider(provider, 'com.proxmox')) return provider
  throw fatal('bad_provider', '--provider: must be com.proxmox, or below it as com.proxmox.lab.')
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname)
}
