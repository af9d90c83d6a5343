import { toast } from './toasts.tsx'

/** Copies a text, also on pages without TLS, where the clipboard API is not there. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard && window.isSecureContext) {
    const done = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    )
    if (done) return true
  }
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}

type CopyProps = { text: string; label?: string; what?: string; class?: string }

export function CopyButton({ text, label = 'Copy', what = 'Copied', class: extra = '' }: CopyProps) {
  const copy = async () =>
    toast((await copyText(text)) ? what : 'Your browser refused; select the text and copy it')
  return (
    <button type="button" class={`button ${extra}`} onClick={copy}>
      {label}
    </button>
  )
}
