import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { fatal } from '../errors.ts'
import { serverToken, serverUrl } from './server-access.ts'
import type { Terminal } from './terminal.ts'

type SendOptions = {
  title: string
  provider: string
  severity: string
  node?: string
  vmid?: string
  message?: string
  url?: string
  token?: string
}

const SPOOLED = 'The database is away: the event is kept in the spool, and will be stored when it is back.'

/** `tempo send`: posts an event to a running server, as a probe or from a script. */
export function sendCommand(terminal: Terminal): Command {
  return new Command('send')
    .description('Send an event to the running server')
    .argument('[file]', 'a payload to send as it is; - reads standard input')
    .option('--title <text>', 'title', 'manual probe')
    .option('--provider <identifier>', 'provider', 'com.proxmox')
    .option('--severity <level>', 'metadata.severity: info, notice, warning, error, critical', 'info')
    .option('--node <name>', 'metadata.NodeName')
    .option('--vmid <id>', 'metadata.VMID')
    .option('--message <text>', 'metadata.Message')
    .option('--url <url>', 'the server (default: TEMPO_URL, or this machine)')
    .option('--token <token>', 'the token (default: TEMPO_TOKEN, or the admin token)')
    .action(async (file: string | undefined, options: SendOptions) => {
      const config = loadConfig()
      const url = `${serverUrl(config, options.url)}/ingest`
      const body = file === undefined ? payloadOf(options) : await readBody(file)
      const token = await serverToken(config, options.token)
      const response = await post(url, token, body)
      const answer = await response.text()
      if (response.ok) terminal.out.write(`${answer}\n`)
      if (response.status === 202) terminal.err.write(`${SPOOLED}\n`)
      if (!response.ok) terminal.err.write(`${url} answered ${response.status}: ${answer}\n`)
      terminal.exitCode = response.ok ? 0 : 1
    })
}

function payloadOf({ title, provider, severity, node, vmid, message }: SendOptions): string {
  const metadata = { severity, NodeName: node, VMID: vmid, Message: message }
  return JSON.stringify({
    providerIdentifier: provider,
    title,
    startDate: new Date(),
    eventType: 'alert',
    metadata,
  })
}

async function readBody(file: string): Promise<string> {
  return file === '-' ? text(process.stdin) : readFile(file, 'utf8')
}

async function post(url: string, token: string, body: string): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', 'X-Tempo-Token': token }
  try {
    return await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    })
  } catch (error) {
    // Never its message, which repeats a header that cannot be sent, and so the token.
    const { name, cause } = error as Error & { cause?: { code?: string } }
    const reason = cause?.code ?? (name === 'TimeoutError' ? 'no answer in 10 s' : name)
    throw fatal('unreachable', `No server answers at ${url} (${reason}). Start it with: npm start`, error)
  }
}
