import type { EventPreset } from '../api/routes.ts'
import { Check, FieldGroup, SelectField, TextField } from '../parts/field.tsx'
import type { ChannelRow } from './data.ts'
import { EVENTS, SEVERITY_OPTIONS } from './events.ts'
import { MatchFields } from './match-fields.tsx'

/** Which events the channel tells of. */
export function RuleFields({ row }: { row: ChannelRow | null }) {
  return (
    <>
      <FieldGroup
        name="events"
        legend="Tell of"
        help="Start with few: backup failed, node offline, connection lost. None ticked and no condition below: everything."
      >
        <div class="check-grid">
          {(Object.keys(EVENTS) as EventPreset[]).map((event) => (
            <Check
              key={event}
              name="events"
              value={event}
              label={EVENTS[event].label}
              about={EVENTS[event].about}
              isOn={row?.events.includes(event) ?? false}
            />
          ))}
        </div>
      </FieldGroup>
      <MatchFields initial={row?.match ?? []} />
      <div class="form-grid">
        <SelectField
          name="minSeverity"
          label="From this severity on"
          help="The end of what was told of is told however mild it is"
          value={row?.minSeverity ?? 'warning'}
          options={SEVERITY_OPTIONS}
        />
        <TextField
          name="providers"
          label="Only of these providers"
          help="Each with everything below it, separated by commas. Empty: any"
          value={row?.providers.join(', ')}
          placeholder="com.proxmox"
          isMono
        />
        <TextField
          name="nodes"
          label="Only of these nodes"
          help="Names, also with * and ?, separated by commas. Empty: any"
          value={row?.nodes.join(', ')}
          placeholder="pve-*"
          isMono
        />
      </div>
    </>
  )
}
