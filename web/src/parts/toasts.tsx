import { signal } from '@preact/signals'

type Toast = { id: number; text: string; action?: { label: string; run: () => void } }

const toasts = signal<Toast[]>([])
let next = 1
const SHOWN_MS = 6_000

/** Says something for a few seconds; `action` is what can be done about it, such as undoing. */
export function toast(text: string, action?: Toast['action']): void {
  const id = next++
  toasts.value = [...toasts.value.slice(-2), { id, text, ...(action && { action }) }]
  setTimeout(() => drop(id), SHOWN_MS)
}

function drop(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, action }) => (
        <div class="toast" key={id}>
          <span class="foreign">{text}</span>
          {action && (
            <button
              type="button"
              onClick={() => {
                drop(id)
                action.run()
              }}
            >
              {action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  )
}
