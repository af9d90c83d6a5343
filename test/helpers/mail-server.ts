/** A mail server that keeps what it gets, with a certificate that nobody vouches for. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export type ReceivedMail = {
  from: string
  recipients: string[]
  raw: string
  mail: Email
  user: string | undefined
  secure: boolean
  /** The name that the client asked for (SNI); null: none, or no TLS. */
  servername: string | null
}

export type MailServer = {
  host: string
  port: number
  mails: ReceivedMail[]
  /** Commands and logins that came over an unencrypted connection. */
  clear: string[]
  stop: () => Promise<void>
}

export type MailServerOptions = {
  /** `tls` from the first byte, `starttls` on offer, or `none` of it. */
  security: 'tls' | 'starttls' | 'none'
  login?: { username: string; password: string }
  /** The error that a recipient is refused with; null: taken. */
  refuse?: (recipient: string) => { code: number; text: string } | null
  /** The error that every message is refused with. */
  refuseMessage?: { code: number; text: string }
  /** Never answers the message. */
  hang?: boolean
}

let made: { key: string; cert: string } | undefined

/** For `localhost`, signed by itself. */
export function selfSigned(): { key: string; cert: string } {
  if (made) return made
  const folder = mkdtempSync(join(tmpdir(), 'tempo-certificate-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], {
    stdio: 'pipe',
  })
  made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  rmSync(folder, { recursive: true })
  return made
}

function failure({ code, text }: { code: number; text: string }): Error {
  return Object.assign(new Error(text), { responseCode: code })
}

export async function startMailServer(options: MailServerOptions): Promise<MailServer> {
  const { security, login, refuse = () => null, refuseMessage, hang = false } = options
  const mails: ReceivedMail[] = []
  const clear: string[] = []
  let servername: string | null = null
  const disabled = [...(security === 'starttls' ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])]
  const settings: SMTPServerOptions = {
    ...selfSigned(),
    secure: security === 'tls',
    disabledCommands: disabled,
    disableReverseLookup: true,
    authOptional: !login,
    allowInsecureAuth: security === 'none',
    onAuth: ({ username, password }, session, callback) => {
      if (!session.secure) clear.push(`AUTH ${username}`)
      if (username === login?.username && password === login?.password) callback(null, { user: username! })
      else callback(failure({ code: 535, text: 'Authentication failed' }))
    },
    onSecure: (socket, _session, callback) => {
      servername = ('servername' in socket && (socket.servername as string | false)) || null
      callback(null)
    },
    onMailFrom: ({ address }, session, callback) => {
      if (!session.secure) clear.push(`MAIL FROM ${address}`)
      callback()
    },
    onRcptTo: ({ address }, _session, callback) => {
      const refusal = refuse(address)
      callback(refusal ? failure(refusal) : null)
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', async () => {
        if (hang) return
        if (refuseMessage) return callback(failure(refuseMessage))
        const raw = Buffer.concat(chunks)
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          recipients: rcptTo.map(({ address }) => address),
          raw: raw.toString(),
          mail: await PostalMime.parse(raw),
          user: (session.user as string | false | undefined) || undefined,
          secure: session.secure,
          servername,
        })
        callback(null, 'Queued as 1')
      })
    },
  }
  const server = new SMTPServer(settings)
  // A client that gives up in the middle is what some tests are about.
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { host: '127.0.0.1', port, mails, clear, stop }
}
