import { useEffect, useRef, useState } from 'preact/hooks'
import { explain, type Problem, ProblemError } from '../api/client.ts'
import type { ChannelType } from '../api/routes.ts'
import { Check, FieldErrors, focusFirstError, strayErrors, TextField } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { type ChannelRow, changeChannel, createChannel, type Exchange, testDraft } from './data.ts'
import { KIND_NAMES, KINDS } from './kinds.ts'
import { MoreFields } from './more-fields.tsx'
import { readChannelForm } from './read-form.ts'
import { RuleFields } from './rule-fields.tsx'
import { TargetFields } from './target-fields.tsx'
import { TrialResult } from './trial.tsx'

type FormProps = {
  /** Null: a new one. */
  row: ChannelRow | null
  isReadOnly: boolean
  onSaved: (row: ChannelRow) => void
  onClose: () => void
}

/** A channel to be made or changed; it can be tried before it is saved. */
export function ChannelForm({ row, isReadOnly, onSaved, onClose }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  const [type, setType] = useState<ChannelType>(row?.type ?? 'email')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [exchange, setExchange] = useState<Exchange | null>(null)
  const [isBusy, setBusy] = useState<'save' | 'test' | null>(null)
  useEffect(() => {
    if (problem) focusFirstError(form.current)
  }, [problem])

  const run = async (what: 'save' | 'test') => {
    const body = readChannelForm(new FormData(form.current!), type, row)
    setBusy(what)
    setProblem(null)
    try {
      if (what === 'test') {
        setExchange(null)
        setExchange(await testDraft({ ...body, name: body.name || KINDS[type].label }, row?.id ?? null))
      } else onSaved(await (row ? changeChannel(row.id, body) : createChannel(body)))
    } catch (failure) {
      setProblem(explain(failure))
    } finally {
      setBusy(null)
    }
  }
  const errors = problem?.code === 'name_taken' ? NAME_TAKEN : (problem?.errors ?? [])
  const isStray = problem && (errors.length === 0 || strayErrors(form.current!, errors).length > 0)
  return (
    <FieldErrors.Provider value={errors}>
      <form
        class="card form"
        ref={form}
        noValidate
        aria-label={row ? `Channel ${row.name}` : 'New channel'}
        onSubmit={(event) => {
          event.preventDefault()
          run('save')
        }}
      >
        <fieldset class="field-group channel-fields" disabled={isReadOnly}>
          {!row && <KindChoice type={type} onChange={setType} />}
          <p class="channel-where small">
            <strong>Where to find it:</strong> {KINDS[type].where}
          </p>
          <TextField
            name="name"
            label="Name"
            help="As it is listed here"
            value={row?.name}
            placeholder={`${KINDS[type].label} of the admins`}
            isRequired
          />
          <TargetFields key={type} type={type} row={row} />
          <RuleFields row={row} />
          <MoreFields row={row} />
          <Check name="enabled" label="Switched on" isOn={row?.enabled ?? true} />
        </fieldset>
        {isStray && <ProblemBox error={new ProblemError(problem)} />}
        {exchange && <TrialResult exchange={exchange} />}
        <div class="form-tools">
          {!isReadOnly && (
            <>
              <button type="submit" class="button button-primary" disabled={isBusy !== null}>
                Save
              </button>
              <button type="button" class="button" disabled={isBusy !== null} onClick={() => run('test')}>
                {isBusy === 'test' ? 'Sending …' : 'Send Test'}
              </button>
            </>
          )}
          <button type="button" class="button button-quiet" onClick={onClose}>
            {isReadOnly ? 'Close' : 'Cancel'}
          </button>
        </div>
      </form>
    </FieldErrors.Provider>
  )
}

const NAME_TAKEN = [{ path: 'name', message: 'Another channel has this name; choose another one' }]

type ChoiceProps = { type: ChannelType; onChange: (type: ChannelType) => void }

function KindChoice({ type, onChange }: ChoiceProps) {
  return (
    <fieldset class="kinds">
      <legend>Send by</legend>
      {KIND_NAMES.map((one) => (
        <label key={one} class="kind" data-chosen={one === type}>
          <input type="radio" name="type" value={one} checked={one === type} onChange={() => onChange(one)} />
          <Icon name={KINDS[one].icon} />
          {KINDS[one].label}
        </label>
      ))}
    </fieldset>
  )
}
