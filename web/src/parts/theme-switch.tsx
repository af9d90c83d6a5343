import { signal } from '@preact/signals'

type Theme = 'system' | 'light' | 'dark'
const theme = signal<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? 'system')

function choose(next: Theme): void {
  theme.value = next
  if (next === 'system') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem('tempo-theme')
  } else {
    document.documentElement.dataset.theme = next
    localStorage.setItem('tempo-theme', next)
  }
}

export function ThemeSwitch() {
  return (
    <label>
      <span class="visually-hidden">Colours</span>
      <select
        class="select"
        value={theme.value}
        onChange={(event) => choose(event.currentTarget.value as Theme)}
      >
        <option value="system">System colours</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  )
}
