import { useRef, useState } from 'preact/hooks'
import { explain, type Problem } from '../api/client.ts'
import { loadChannels } from '../channels/data.ts'
import { MatchFields } from '../channels/match-fields.tsx'
import { FormDialog } from '../parts/dialog.tsx'
import { Check, FieldErrors, FieldGroup, TextField } from '../parts/field.tsx'
import { useLoad } from '../parts/loading.ts'
import { localInput } from '../parts/local-time.ts'
import { toast } from '../parts/toasts.tsx'
import { createSilence, SPANS, type Span } from './data.ts'
import './silences.css'

type SilenceProps = {
  /** What it is about, if it is made where something is shown. */
  nodes?: string | null
  vmids?: string | null
  providers?: string | null
  onDone: () => void
  onClose: () => void
}

/** Makes a silence: events still arrive and are shown, but nobody is told of what matches. */
export function SilenceDialog({ nodes, vmids, providers, onDone, onClose }: SilenceProps) {
  const [span, setSpan] = useState<Span>('hour')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [isLimited, setLimited] = useState(Boolean(nodes || vmids || providers))
  const { value: channels } = useLoad(loadChannels, [])
  const scope = useRef<HTMLDivElement>(null)
  const submit = async (data: FormData) => {
    setProblem(null)
    try {
      await createSilence(data)
      toast('The silence is made')
      onDone()
    } catch (failure) {
      setProblem(explain(failure))
      throw failure
    }
  }
  const look = () => {
    const inputs = [...(scope.current?.querySelectorAll<HTMLInputElement>('input:not([type=hidden])') ?? [])]
    setLimited(inputs.some((input) => input.value.trim() !== ''))
  }
  return (
    <FormDialog title="Silence" action="Make the silence" onSubmit={submit} onClose={onClose}>
      <FieldErrors.Provider value={problem?.errors ?? []}>
        <p class="soft small">
          Events still arrive and are shown, but nobody is told of what fits all of this.
        </p>
        <TextField name="reason" label="Why" placeholder="Maintenance of pve-02" isRequired />
        <FieldGroup name="span" legend="How long">
          <div class="check-grid spans">
            {(Object.keys(SPANS) as Span[]).map((one) => (
              <label class="check" key={one}>
                <input
                  type="radio"
                  name="span"
                  value={one}
                  checked={span === one}
                  onChange={() => setSpan(one)}
                />
                <span>{SPANS[one].label}</span>
              </label>
            ))}
          </div>
          {span === 'custom' && (
            <TextField
              name="to"
              label="Until"
              type="datetime-local"
              value={localInput(new Date(Date.now() + 86_400_000))}
              isRequired
            />
          )}
          <TextField name="from" label="From (empty: now)" type="datetime-local" />
        </FieldGroup>
        <div class="silence-scope" ref={scope} onInput={look}>
          <TextField
            name="nodes"
            label="Nodes"
            help="Also with * and ?, separated by commas"
            value={nodes ?? ''}
            isMono
          />
          <TextField name="vmids" label="Guests (VMID)" value={vmids ?? ''} isMono />
          <TextField
            name="providers"
            label="Providers"
            value={providers ?? ''}
            placeholder="com.proxmox"
            isMono
          />
          <MatchFields initial={[]} legend="With these values" />
        </div>
        {!isLimited && (
          <p class="warning-text small" role="status">
            No node, guest, provider or value is named: this silences everything.
          </p>
        )}
        {channels && channels.length > 0 && (
          <FieldGroup name="channels" legend="Channels" help="None ticked: all of them">
            <div class="check-grid">
              {channels.map(({ id, name }) => (
                <Check
                  key={id}
                  name="channels"
                  value={id}
                  label={<span class="foreign">{name}</span>}
                  isOn={false}
                />
              ))}
            </div>
          </FieldGroup>
        )}
      </FieldErrors.Provider>
    </FormDialog>
  )
}
