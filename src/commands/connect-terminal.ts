import { createInterface } from 'node:readline/promises'
import type { ProxmoxConnection, ProxmoxSetup } from '../connect/proxmox.ts'
import { fatal } from '../errors.ts'
import type { Terminal } from './terminal.ts'

/** Asks a person; anybody else is told which option is missing. */
export async function askForUrl(): Promise<string> {
  const missing = () =>
    fatal('no_url', '--url: give the address of this server as the node reaches it: http://tempo.lan:7776')
  if (!process.stdin.isTTY) throw missing()
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = new AbortController()
  // Ctrl-C and the end of the input close it, and the question would never be answered.
  terminal.once('close', () => closed.abort())
  const { signal } = closed
  try {
    return await terminal.question(
      'Address of this server as the node reaches it (http://tempo.lan:7776): ',
      { signal },
    )
  } catch {
    throw missing()
  } finally {
    terminal.close()
  }
}

/** Lines to run alone on one stream, so that they can be piped to a shell; what they are for on the other. */
export function printLines(
  { commands, notes }: ProxmoxSetup,
  product: ProxmoxConnection['product'],
  { out, err }: Terminal,
): void {
  const shown = product === 'pve' ? 'of one node of the cluster' : 'of the backup server'
  err.write(`# For a root shell ${shown}. Piped, as into "ssh root@NODE sh", they run there at once.\n`)
  const lines: [string, string][] = [
    [commands.create, 'Adds the target: where to send, the token as a secret, and the form of what is sent.'],
    [commands.matcher, 'Names the target in the matcher, so that it gets all that the mail to root gets.'],
    [commands.test, 'Sends the Test.'],
  ]
  for (const [line, purpose] of lines) {
    err.write(`# ${purpose}\n`)
    out.write(`${line}\n`)
  }
  for (const note of notes) err.write(`# ${note}\n`)
}

/** What to type into the web interface; the rest as above. */
export function printForm({ form, notes }: ProxmoxSetup, { out, err }: Terminal): void {
  const width = Math.max(...form.fields.map(({ label }) => label.length)) + 1
  out.write(`${form.place}\n`)
  for (const { label, value } of form.fields) out.write(`${`${label}:`.padEnd(width)} ${value}\n`)
  err.write('# Then add the target to a matcher, such as default-matcher, select it and press Test.\n')
  for (const note of notes) err.write(`# ${note}\n`)
}
