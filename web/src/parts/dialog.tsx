import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ProblemBox } from './problem.tsx'
import './dialog.css'

type DialogProps = { title: string; onClose: () => void; children: ComponentChildren }

/** A modal dialog, open while it is in the document; the focus goes back to where it came from. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const name = useId()
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="card dialog"
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <div class="dialog-body">
        <h2 id={name} class="foreign">
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  )
}

type FormDialogProps = {
  title: string
  /** What the button says. */
  action: string
  isDangerous?: boolean
  children: ComponentChildren
  /** Does it; what it throws is shown, and the dialog stays. */
  onSubmit: (data: FormData) => Promise<unknown>
  onClose: () => void
}

/** Asks for something, or whether it is meant; closes when it is done. */
export function FormDialog(props: FormDialogProps) {
  const { title, action, isDangerous, children, onSubmit, onClose } = props
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await onSubmit(new FormData(event.currentTarget as HTMLFormElement))
      onClose()
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="dialog-body" onSubmit={submit}>
        {children}
        {error !== null && <ProblemBox error={error} />}
        <div class="dialog-tools">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={`button ${isDangerous ? 'button-danger' : 'button-primary'}`}
            disabled={isBusy}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
