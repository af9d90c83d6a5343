import { useState } from 'preact/hooks'
import { BASE, explain, type Problem, ProblemError } from '../api/client.ts'
import { FieldErrors, TextField } from '../parts/field.tsx'
import { ProblemBox } from '../parts/problem.tsx'

export type Connection = {
  product: 'pve' | 'pbs'
  name: string
  url: string
  ui: string | null
  cluster: string | null
  pveVersion: string | null
}

/** What must be known of the Proxmox; all that is wrong is said at its own field. */
export function ConnectForm({ onSubmit }: { onSubmit: (connection: Connection) => Promise<void> }) {
  const [product, setProduct] = useState<Connection['product']>('pve')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [isBusy, setBusy] = useState(false)
  const isVe = product === 'pve'
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string) => String(data.get(name) ?? '').trim()
    setBusy(true)
    setProblem(null)
    try {
      await onSubmit({
        product,
        name: text('name'),
        url: text('url'),
        ui: text('ui') || null,
        cluster: text('cluster') || null,
        pveVersion: text('pveVersion') || null,
      })
    } catch (failure) {
      setProblem(explain(failure))
      setBusy(false)
    }
  }
  const here = BASE.href.replace(/\/$/, '')
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(BASE.hostname)
  return (
    <form class="card form" onSubmit={submit}>
      <fieldset class="choice">
        <legend>Product</legend>
        <label>
          <input type="radio" name="product" checked={isVe} onChange={() => setProduct('pve')} /> Proxmox VE
        </label>
        <label>
          <input type="radio" name="product" checked={!isVe} onChange={() => setProduct('pbs')} /> Proxmox
          Backup Server
        </label>
      </fieldset>
      <FieldErrors.Provider value={problem?.errors ?? []}>
        <div class="form-grid">
          <TextField
            name="name"
            label="Name of the target"
            value="tempo"
            help="As it is listed in Proxmox"
            isRequired
          />
          <TextField
            name="pveVersion"
            label="Version"
            placeholder={isVe ? '9.0' : '4.0'}
            help={
              isVe
                ? 'Before 8.3 it takes a Gotify target. Empty: recent'
                : 'Before 3.3 a Gotify target. Empty: recent'
            }
          />
          <TextField
            name="url"
            label="Address of this server, as the node sees it"
            value={here}
            help={
              isLocal
                ? 'You see it under a local address, which the node cannot reach: put in its name or IP'
                : 'Such as http://tempo.lan:7776'
            }
            isRequired
          />
          <TextField
            name="ui"
            label="Address of the Proxmox web interface"
            placeholder={isVe ? 'https://pve-01.lan:8006' : 'https://pbs.lan:8007'}
            help="For the links of its events. May be empty"
          />
          <TextField
            name="cluster"
            label="Name of the cluster"
            help="Keeps guests of several clusters apart. May be empty"
          />
        </div>
      </FieldErrors.Provider>
      {problem && !problem.errors?.some(({ path }) => path) && (
        <ProblemBox error={new ProblemError(problem)} />
      )}
      <div>
        <button type="submit" class="button button-primary" disabled={isBusy}>
          Make the token and the commands
        </button>
      </div>
    </form>
  )
}
