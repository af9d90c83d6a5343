import { useState } from 'preact/hooks'
import type { Weekday } from '../api/routes.ts'
import { Check, FieldGroup, SelectField, TextField } from '../parts/field.tsx'
import type { ChannelRow } from './data.ts'
import { DAYS } from './events.ts'

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone
const WEEKDAYS = Object.keys(DAYS) as Weekday[]

/** When, how often and how much at once. */
export function MoreFields({ row }: { row: ChannelRow | null }) {
  return (
    <details class="more-fields">
      <summary>More: quiet hours, daily summary, repeats, grouping</summary>
      <div class="more-body">
        <QuietHours quiet={row?.quietHours ?? null} />
        <Digest digest={row?.digest ?? null} />
        <FieldGroup name="repeats" legend="Repeats and reminders">
          <div class="form-grid">
            <TextField
              name="repeatMinutes"
              label="Repeat after (minutes)"
              help="The same trouble is told again only after so long, unless it gets worse. 0: each time"
              type="number"
              value={row?.repeatMinutes ?? 240}
            />
            <TextField
              name="remindMinutes"
              label="Remind after (minutes)"
              help="What nobody acknowledged is told again after so long. 0: never"
              type="number"
              value={row?.remindMinutes ?? 0}
            />
            <TextField
              name="maxReminders"
              label="Reminders at most"
              type="number"
              value={row?.maxReminders ?? 3}
            />
          </div>
          <Check name="sendResolved" label="Tell when it is over, too" isOn={row?.sendResolved ?? true} />
        </FieldGroup>
        <FieldGroup
          name="grouping"
          legend="Grouping"
          help="What comes within this time goes out as one message. Critical events wait 10 s at the most between two messages."
        >
          <div class="form-grid">
            <TextField
              name="groupWaitSeconds"
              label="Wait for others (seconds)"
              type="number"
              value={row?.groupWaitSeconds ?? 5}
            />
            <TextField
              name="groupIntervalSeconds"
              label="Between two messages (seconds)"
              type="number"
              value={row?.groupIntervalSeconds ?? 60}
            />
          </div>
        </FieldGroup>
        <datalist id="time-zones">
          {zones().map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
    </details>
  )
}

function QuietHours({ quiet }: { quiet: ChannelRow['quietHours'] }) {
  const [isOn, setOn] = useState(quiet !== null)
  return (
    <FieldGroup
      name="quietHours"
      legend="Quiet hours"
      help="What comes meanwhile waits, and goes out together when they end. Critical events go out at once."
    >
      <Check name="quiet" label="Have quiet hours" isOn={isOn} onChange={setOn} />
      {isOn && (
        <>
          <div class="form-grid">
            <TextField name="quietHours.from" label="Quiet from" type="time" value={quiet?.from ?? '22:00'} />
            <TextField name="quietHours.to" label="Quiet until" type="time" value={quiet?.to ?? '07:00'} />
            <Zone name="quietHours.timezone" value={quiet?.timezone} />
          </div>
          <fieldset class="check-row" aria-label="Days on which they begin">
            {WEEKDAYS.map((day) => (
              <Check
                key={day}
                name="quietHours.days"
                value={day}
                label={DAYS[day]}
                isOn={quiet?.days.includes(day) ?? true}
              />
            ))}
          </fieldset>
        </>
      )}
    </FieldGroup>
  )
}

function Digest({ digest }: { digest: ChannelRow['digest'] }) {
  const [isOn, setOn] = useState(digest !== null)
  return (
    <FieldGroup name="digest" legend="Daily summary" help="Everything in one message, once a day.">
      <Check name="daily" label="Send one summary a day" isOn={isOn} onChange={setOn} />
      {isOn && (
        <div class="form-grid">
          <TextField name="digest.at" label="Summary at" type="time" value={digest?.at ?? '08:00'} />
          <Zone name="digest.timezone" value={digest?.timezone} />
          <SelectField
            name="digest.except"
            label="Not for"
            help="These go out at once"
            value={digest ? (digest.except ?? '') : 'critical'}
            options={[
              ['critical', 'Critical events'],
              ['error', 'Errors and worse'],
              ['warning', 'Warnings and worse'],
              ['', 'Nothing: all of it waits'],
            ]}
          />
        </div>
      )}
    </FieldGroup>
  )
}

function Zone({ name, value = HERE }: { name: string; value?: string | undefined }) {
  return <TextField name={name} label="Time zone" help={`Yours is ${HERE}`} value={value} list="time-zones" />
}

function zones(): string[] {
  return Intl.supportedValuesOf?.('timeZone') ?? [HERE]
}
