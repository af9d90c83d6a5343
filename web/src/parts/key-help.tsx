import { useEffect, useRef } from 'preact/hooks'

const KEYS: [string, string][] = [
  ['j  k', 'next, previous'],
  ['Enter', 'open or close'],
  ['e', 'acknowledge'],
  ['d', 'dismiss'],
  ['x', 'select; with Shift and the mouse, a range'],
  ['/', 'search'],
  ['Esc', 'close'],
  ['?', 'this help'],
]

/** The keys of the timeline; `?` opens it. */
export function KeyHelp() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== '?' || (event.target as HTMLElement).closest('input, textarea, select')) return
      dialog.current?.showModal()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
  return (
    <>
      <button
        type="button"
        class="button button-quiet"
        onClick={() => dialog.current?.showModal()}
        title="Keys (?)"
      >
        ?<span class="visually-hidden"> Keys</span>
      </button>
      <dialog ref={dialog} class="card key-help" aria-label="Keys">
        <h2>Keys</h2>
        <dl>
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit" class="button">
            Close
          </button>
        </form>
      </dialog>
    </>
  )
}
