import { useState } from 'preact/hooks'
import type { ChannelType } from '../api/routes.ts'
import { Check, Field, SelectField, TextField } from '../parts/field.tsx'
import type { ChannelRow } from './data.ts'
import { KINDS, showsAddress, type TargetField } from './kinds.ts'

type TargetProps = { type: ChannelType; row: ChannelRow | null }

/** Where the receiver is, and what opens it. */
export function TargetFields({ type, row }: TargetProps) {
  return (
    <div class="form-grid">
      {KINDS[type].fields.map((field) => (
        <TargetInput key={field.name} field={field} type={type} row={row} />
      ))}
    </div>
  )
}

type InputProps = TargetProps & { field: TargetField }

function TargetInput({ field, type, row }: InputProps) {
  const { name, label, help, kind, options, placeholder, isRequired } = field
  const stored = row?.[name as keyof ChannelRow]
  if (kind === 'check') {
    const isOn = row ? stored !== false : field.initial === 'on'
    return <Check name={name} label={label} about={help} isOn={isOn} />
  }
  if (kind === 'select') {
    const value = String(stored ?? field.initial)
    return <SelectField name={name} label={label} help={help} value={value} options={options!} />
  }
  const isPublic = !field.isSecret || (name === 'url' && showsAddress(type))
  if (!isPublic) return <SecretInput field={field} type={type} row={row} />
  const value = Array.isArray(stored)
    ? stored.join(', ')
    : String(stored ?? (row ? '' : (field.initial ?? '')))
  return (
    <TextField
      name={name}
      label={label}
      help={help}
      value={value}
      placeholder={placeholder}
      type={kind === 'number' ? 'number' : 'text'}
      isRequired={isRequired}
    />
  )
}

/** Names what is set, never the secret itself. */
function describeSet({ name }: TargetField, row: ChannelRow | null): string | null {
  if (!row || row.problem !== null) return null
  if (name === 'url') return row.url ?? 'set'
  if (name === 'secret') return row.hasSecret ? 'set' : null
  const names = Object.keys(row.headers)
  return names.length > 0 ? names.join(', ') : null
}

/** A secret is written, never read: what is set stays when the field is left empty. */
function SecretInput({ field, row }: InputProps) {
  const { name, label, help, kind, placeholder, isRequired } = field
  const set = describeSet(field, row)
  const [isCleared, setCleared] = useState(false)
  const kept = set === null || set === 'set' ? help : `Set: ${set}. ${help}`
  const text = set !== null && kind === 'headers' ? `${kept} A change needs all of them again.` : kept
  const hint = set === null ? placeholder : 'Set – leave empty to keep'
  return (
    <div class={kind === 'headers' ? 'secret wide' : 'secret'}>
      <Field name={name} label={label} help={text} isRequired={isRequired && set === null}>
        {(attributes) =>
          kind === 'headers' ? (
            <textarea
              {...attributes}
              class="textarea"
              rows={2}
              placeholder={hint}
              spellcheck={false}
              disabled={isCleared}
            />
          ) : (
            <input
              {...attributes}
              class="input mono"
              type={name === 'url' ? 'url' : 'password'}
              placeholder={hint}
              spellcheck={false}
              autocomplete={name === 'url' ? 'off' : 'new-password'}
              disabled={isCleared}
              maxLength={4000}
            />
          )
        }
      </Field>
      {set !== null && !isRequired && (
        <Check
          name={`${name}.clear`}
          label={`Remove ${label.toLowerCase()}`}
          isOn={false}
          onChange={setCleared}
        />
      )}
    </div>
  )
}
