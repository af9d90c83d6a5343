import type { Action } from '../api/routes.ts'
import { copyText } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { toast } from '../parts/toasts.tsx'

/** What a person can do: open an address, or copy a text. Nothing is run here. */
export function Actions({ actions }: { actions: Action[] }) {
  if (actions.length === 0) return null
  return (
    <ul class="actions" aria-label="Actions">
      {actions.map((action) => (
        <li key={action.label}>
          <ActionButton action={action} />
        </li>
      ))}
    </ul>
  )
}

function ActionButton({ action }: { action: Action }) {
  const { label, type, value, enabled, missing } = action
  if (!enabled || value === null) {
    const why = missing.length > 0 ? `Missing: ${missing.join(', ')}` : 'Not allowed'
    return (
      <span class="action-off">
        <button
          type="button"
          class="button foreign"
          aria-disabled="true"
          title={why}
          onClick={() => toast(`${label}: ${why}`)}
        >
          {label}
        </button>
        <span class="small soft foreign">{why}</span>
      </span>
    )
  }
  if (type === 'openURL') {
    return (
      <a class="button foreign" href={value} target="_blank" rel="noopener noreferrer" title={value}>
        <Icon name="open" />
        {label}
      </a>
    )
  }
  const copied =
    type === 'openTerminalWith' ? 'Command copied; paste it in a terminal' : `Copied: ${value.slice(0, 80)}`
  return (
    <button
      type="button"
      class="button foreign"
      title={value}
      onClick={async () => toast((await copyText(value)) ? copied : 'Your browser refused to copy')}
    >
      <Icon name="copy" />
      {label}
    </button>
  )
}
