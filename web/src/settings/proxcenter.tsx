import { useState } from 'preact/hooks'
import { BASE, read, tokenApi } from '../api/client.ts'
import { CopyButton } from '../parts/copy.tsx'
import { TextField } from '../parts/field.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { mayChange } from '../session.ts'
import { ConnectWait } from './connect-wait.tsx'
import { Section } from './section.tsx'

type Proof = 'token' | 'signature'

function makeToken(name: string, proof: Proof) {
  const json = {
    name,
    scopes: ['ingest' as const],
    providers: ['com.proxcenter'],
    // Then the token is kept to itself, and the signature alone opens.
    ...(proof === 'signature' && { hmac: true, hmacRequired: true }),
  }
  return read(tokenApi.tokens.$post({ json }))
}
type Made = Awaited<ReturnType<typeof makeToken>>

const HINTS = [
  'Nothing came yet. Did Send Test in ProxCenter say that it was sent?',
  'ProxCenter must reach this server: a firewall, or a local address in the URL, is in the way most often.',
  'With https, the certificate of this server must be one that ProxCenter trusts.',
]

/** ProxCenter as a sender: a token of its own, and what to type into its webhook channel. */
export function ConnectProxCenter() {
  const [proof, setProof] = useState<Proof>('token')
  const [made, setMade] = useState<{ token: Made; url: string } | null>(null)
  const [error, setError] = useState<unknown>(null)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string) => String(data.get(name) ?? '').trim()
    try {
      const token = await makeToken(text('name'), proof)
      setMade({ token, url: `${text('url').replace(/\/+$/, '')}/ingest/proxcenter` })
      setError(null)
    } catch (failure) {
      setError(failure)
    }
  }
  return (
    <Section
      title="Connect ProxCenter"
      about="ProxCenter tells this server through a webhook channel of its own; its alerts then stand on the timeline beside those of Proxmox."
    >
      {!mayChange() ? (
        <p class="empty card">To connect a ProxCenter, sign in with an admin token.</p>
      ) : made ? (
        <>
          <ProxCenterLines {...made} />
          <ConnectWait token={made.token} hints={HINTS} />
        </>
      ) : (
        <form class="card form" onSubmit={submit}>
          <div class="form-grid">
            <TextField name="name" label="Name of the token" value="proxcenter" isRequired />
            <TextField
              name="url"
              label="Address of this server, as ProxCenter sees it"
              value={BASE.href.replace(/\/$/, '')}
              isRequired
            />
          </div>
          <fieldset class="choice">
            <legend>How ProxCenter proves itself</legend>
            <label>
              <input
                type="radio"
                name="proof"
                checked={proof === 'token'}
                onChange={() => setProof('token')}
              />{' '}
              A token in a header
            </label>
            <label>
              <input
                type="radio"
                name="proof"
                checked={proof === 'signature'}
                onChange={() => setProof('signature')}
              />{' '}
              A signature (HMAC) with a secret
            </label>
          </fieldset>
          {error !== null && <ProblemBox error={error} />}
          <div>
            <button type="submit" class="button button-primary">
              Make the token
            </button>
          </div>
        </form>
      )}
    </Section>
  )
}

function ProxCenterLines({ token, url }: { token: Made; url: string }) {
  const fields = [
    { label: 'URL', value: url },
    token.hmacSecret
      ? { label: 'Secret', value: token.hmacSecret }
      : { label: 'Headers', value: `Authorization: Bearer ${token.token}` },
  ]
  return (
    <div class="connect-lines">
      <p class="warning-box">
        <strong>Shown this once.</strong> Type it in ProxCenter now, or make another later.
      </p>
      <div class="card connect-form connect-open">
        <p>
          <strong>ProxCenter: Settings → Notifications → add a webhook channel</strong>
        </p>
        <dl class="form-fields">
          {fields.map(({ label, value }) => (
            <div key={label}>
              <dt class="small soft">{label}</dt>
              <dd>
                <pre class="code">{value}</pre>
                <CopyButton text={value} class="small" what={`Copied: ${label}`} />
              </dd>
            </div>
          ))}
        </dl>
        <p class="small soft">
          Leave the other fields empty, tick all event types, and press Send Test. What is told from here to
          whom is chosen in the channels of this server.
        </p>
      </div>
    </div>
  )
}
