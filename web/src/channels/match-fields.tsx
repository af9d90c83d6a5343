import { useRef, useState } from 'preact/hooks'
import type { ChannelRules } from '../api/routes.ts'
import { FieldGroup } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'

type Row = { id: number; key: string; value: string }
type Group = { id: number; rows: Row[] }

type MatchProps = { initial: ChannelRules['match']; legend?: string }

/** Values that metadata must have: all of a group, or all of another. */
export function MatchFields({ initial, legend = 'Or of what has these values' }: MatchProps) {
  const next = useRef(0)
  const row = (key = '', value = ''): Row => ({ id: next.current++, key, value })
  const [groups, setGroups] = useState<Group[]>(() =>
    initial.map((match) => ({
      id: next.current++,
      rows: Object.entries(match).map(([key, value]) => row(key, String(value ?? ''))),
    })),
  )
  const setRows = (id: number, change: (rows: Row[]) => Row[]) =>
    setGroups((all) =>
      all
        .map((group) => (group.id === id ? { ...group, rows: change(group.rows) } : group))
        .filter((group) => group.rows.length > 0),
    )
  return (
    <FieldGroup
      name="match"
      legend={legend}
      help="Names of metadata, such as TaskType, or event.severity and event.title. Values may hold * and ?; empty: the value is missing."
    >
      <datalist id="match-keys">
        {KEYS.map((key) => (
          <option key={key} value={key} />
        ))}
      </datalist>
      {groups.map((group, index) => (
        <fieldset class="match" key={group.id} aria-label={`Condition ${index + 1}`}>
          <input type="hidden" name="match.groups" value={group.id} />
          {index > 0 && <span class="small soft">or</span>}
          {group.rows.map(({ id, key, value }, place) => (
            <div class="match-row" key={id}>
              <input
                class="input mono"
                name={`match.${group.id}.key`}
                defaultValue={key}
                list="match-keys"
                placeholder="TaskType"
                aria-label={`Name ${place + 1} of condition ${index + 1}`}
                maxLength={200}
                spellcheck={false}
              />
              <span aria-hidden="true">=</span>
              <input
                class="input mono"
                name={`match.${group.id}.value`}
                defaultValue={value}
                placeholder="vzdump"
                aria-label={`Value ${place + 1} of condition ${index + 1}`}
                maxLength={2000}
                spellcheck={false}
              />
              <button
                type="button"
                class="button button-quiet"
                onClick={() => setRows(group.id, (rows) => rows.filter((one) => one.id !== id))}
              >
                <Icon name="cross" />
                <span class="visually-hidden">
                  Remove value {place + 1} of condition {index + 1}
                </span>
              </button>
            </div>
          ))}
          <button
            type="button"
            class="button small"
            onClick={() => setRows(group.id, (rows) => [...rows, row()])}
          >
            And another value
          </button>
        </fieldset>
      ))}
      <div>
        <button
          type="button"
          class="button small"
          onClick={() => setGroups((all) => [...all, { id: next.current++, rows: [row()] }])}
        >
          {groups.length === 0 ? 'Add a condition' : 'Or another condition'}
        </button>
      </div>
    </FieldGroup>
  )
}

const KEYS = [
  'TaskType',
  'VMID',
  'EventType',
  'event.provider',
  'event.severity',
  'event.title',
  'event.label',
  'event.node',
  'event.vmid',
]
