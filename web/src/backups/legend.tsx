import type { Signal } from '@preact/signals'
import { STATE_NAMES, STATES } from './states.ts'

/** What the shapes mean; beside it, what the pointer is on. */
export function Legend({ pointed }: { pointed: Signal<string> }) {
  return (
    <div class="legend small">
      <ul aria-label="Legend">
        {STATE_NAMES.map((state) => (
          <li key={state} title={STATES[state].about}>
            <span class="mark" data-s={state} aria-hidden="true" />
            {STATES[state].label}
          </li>
        ))}
      </ul>
      <Pointed text={pointed} />
    </div>
  )
}

/** By itself, so that the grid is not drawn anew with each move of the pointer. */
function Pointed({ text }: { text: Signal<string> }) {
  return (
    <p class="legend-pointed soft foreign" aria-hidden="true">
      {text.value}
    </p>
  )
}
