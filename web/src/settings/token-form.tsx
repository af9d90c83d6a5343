import { useState } from 'preact/hooks'
import { read, tokenApi } from '../api/client.ts'
import { CopyButton } from '../parts/copy.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { dayOf } from '../timeline/filters.ts'

type Scope = 'ingest' | 'read' | 'admin'

const SCOPES: { scope: Scope; label: string; about: string }[] = [
  { scope: 'ingest', label: 'Send', about: 'ingest: takes events in, and nothing else' },
  { scope: 'read', label: 'Look', about: 'read: this page and the API, without changes' },
  { scope: 'admin', label: 'Everything', about: 'admin: changes, tokens and settings, too' },
]
const DAY_MS = 86_400_000

type FormProps = {
  onMade: (token: { name: string; token: string }) => void
  onClose: () => void
}

/** What a new token is to open. */
export function TokenForm({ onMade, onClose }: FormProps) {
  const [scope, setScope] = useState<Scope>('ingest')
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const day = String(data.get('expires'))
    const providers = String(data.get('providers') ?? '').split(/[\s,]+/)
    setBusy(true)
    try {
      const json = {
        name: String(data.get('name')),
        scopes: [scope],
        providers: providers.filter(Boolean),
        // The end of the chosen day, in the zone of who chooses it.
        expiresAt: day ? new Date(new Date(`${day}T00:00:00`).getTime() + DAY_MS).toISOString() : null,
      }
      onMade(await read(tokenApi.tokens.$post({ json })))
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }
  return (
    <form class="card form" onSubmit={submit} aria-label="New token">
      <fieldset class="choice">
        <legend>What it opens</legend>
        {SCOPES.map((one) => (
          <label key={one.scope}>
            <input
              type="radio"
              name="scope"
              checked={scope === one.scope}
              onChange={() => setScope(one.scope)}
            />{' '}
            {one.label} <span class="soft small">{one.about}</span>
          </label>
        ))}
      </fieldset>
      <div class="form-grid">
        <label class="field">
          <span>Name</span>
          <input class="input" name="name" required maxLength={100} autofocus placeholder="pve" />
        </label>
        {scope === 'ingest' && (
          <label class="field">
            <span>Providers</span>
            <input
              class="input mono"
              name="providers"
              placeholder="com.proxmox"
              aria-describedby="providers-help"
              spellcheck={false}
            />
            <span class="field-help soft" id="providers-help">
              Each with everything below it, separated by commas. Empty: any
            </span>
          </label>
        )}
        <label class="field">
          <span>Last day (empty: does not expire)</span>
          <input class="input" name="expires" type="date" min={dayOf(Date.now())} />
        </label>
      </div>
      {error !== null && <ProblemBox error={error} />}
      <div class="form-tools">
        <button type="submit" class="button button-primary" disabled={isBusy}>
          Make the token
        </button>
        <button type="button" class="button button-quiet" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  )
}

type OnceProps = { name: string; token: string; onClose: () => void }

/** A token just made: the only time that it can be seen. */
export function TokenOnce({ name, token, onClose }: OnceProps) {
  return (
    <div class="warning-box token-once" role="status">
      <p>
        <strong>
          The token <span class="foreign">{name}</span> is shown this once.
        </strong>{' '}
        Copy it now: only a hash of it is kept, and nobody can show it again.
      </p>
      <pre class="code">{token}</pre>
      <div class="form-tools">
        <CopyButton text={token} label="Copy the token" what="Token copied" class="button-primary" />
        <button type="button" class="button" onClick={onClose}>
          I have it
        </button>
      </div>
    </div>
  )
}
