import { type ComponentChildren, createContext } from 'preact'
import { useContext, useId } from 'preact/hooks'
import type { Problem } from '../api/client.ts'
import './field.css'

type Errors = NonNullable<Problem['errors']>

/** What the server found wrong in the form around a field. */
export const FieldErrors = createContext<Errors>([])

/** What is wrong with a field, or with anything in it. */
export function useFieldError(name: string): string | null {
  const errors = useContext(FieldErrors)
  const own =
    errors.find(({ path }) => path === name) ?? errors.find(({ path }) => path.startsWith(`${name}.`))
  if (!own) return null
  // A list is one field: which of its entries is meant, counted from 1.
  const inner = own.path.slice(name.length + 1)
  return inner === '' ? own.message : `${/^\d+$/.test(inner) ? Number(inner) + 1 : inner}: ${own.message}`
}

/** Errors that no field of the form shows. */
export function strayErrors(form: HTMLElement, errors: Errors): Errors {
  const names = [...form.querySelectorAll<HTMLElement>('[data-field]')].map((field) => field.dataset.field!)
  return errors.filter(({ path }) => !names.some((name) => path === name || path.startsWith(`${name}.`)))
}

/** Leads to the first field that is wrong, also where it is folded away. */
export function focusFirstError(form: HTMLElement | null): void {
  const field = form?.querySelector<HTMLElement>('[data-field][data-wrong="true"]')
  const folded = field?.closest('details')
  if (folded) folded.open = true
  field?.querySelector<HTMLElement>('input, select, textarea, button')?.focus()
}

type Attributes = {
  id: string
  name: string
  required: boolean
  'aria-invalid': boolean
  'aria-describedby': string | undefined
}

export type FieldProps = {
  name: string
  label: string
  help?: ComponentChildren
  isRequired?: boolean | undefined
}

type FrameProps = FieldProps & { children: (attributes: Attributes) => ComponentChildren; class?: string }

/** A control with its label, and below it what is wrong, or what it is for. */
export function Field({ name, label, help, isRequired = false, children, class: extra = '' }: FrameProps) {
  const id = useId()
  const error = useFieldError(name)
  const described = error !== null || help !== undefined ? `${id}-help` : undefined
  return (
    <div class={`field ${extra}`} data-field={name} data-wrong={error !== null}>
      <label for={id}>{label}</label>
      {children({
        id,
        name,
        required: isRequired,
        'aria-invalid': error !== null,
        'aria-describedby': described,
      })}
      {error !== null ? (
        <span class="field-error" id={described} role="alert">
          {error}
        </span>
      ) : (
        help !== undefined && (
          <span class="field-help soft" id={described}>
            {help}
          </span>
        )
      )}
    </div>
  )
}

type TextProps = FieldProps & {
  value?: string | number | undefined
  placeholder?: string | undefined
  type?: 'text' | 'number' | 'time' | 'datetime-local'
  isMono?: boolean
  list?: string
}

export function TextField({ value = '', placeholder, type = 'text', isMono, list, ...field }: TextProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <input
          {...attributes}
          class={isMono ? 'input mono' : 'input'}
          type={type}
          defaultValue={String(value)}
          placeholder={placeholder}
          list={list}
          spellcheck={false}
          autocomplete="off"
          maxLength={4000}
        />
      )}
    </Field>
  )
}

type SelectProps = FieldProps & {
  value: string
  options: readonly (readonly [value: string, label: string])[]
}

export function SelectField({ value, options, ...field }: SelectProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <select {...attributes} class="select">
          {options.map(([one, label]) => (
            <option key={one} value={one} selected={one === value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** Fields that belong together, under a name of their own; `name` is where its own faults are said. */
export function FieldGroup(props: {
  name: string
  legend: string
  help?: ComponentChildren
  children: ComponentChildren
}) {
  const { name, legend, help, children } = props
  const id = useId()
  const error = useFieldError(name)
  return (
    <fieldset class="field-group" data-field={name} data-wrong={error !== null} aria-describedby={id}>
      <legend>{legend}</legend>
      <p
        class={error !== null ? 'field-error' : 'small soft'}
        id={id}
        role={error !== null ? 'alert' : undefined}
      >
        {error ?? help}
      </p>
      {children}
    </fieldset>
  )
}

type CheckProps = {
  name: string
  value?: string
  label: ComponentChildren
  about?: ComponentChildren
  isOn: boolean
  onChange?: (isOn: boolean) => void
}

export function Check({ name, value = 'on', label, about, isOn, onChange }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        name={name}
        value={value}
        defaultChecked={isOn}
        onChange={(event) => onChange?.(event.currentTarget.checked)}
      />
      <span>
        {label}
        {about && <span class="small soft check-about">{about}</span>}
      </span>
    </label>
  )
}
