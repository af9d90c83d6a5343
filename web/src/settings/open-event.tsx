import { useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { explain, read, timelineApi } from '../api/client.ts'
import { toast } from '../parts/toasts.tsx'

type OpenProps = { eventId: string; label: string; isPrimary?: boolean }

/** Leads to the stack of an event, which is asked for only now. */
export function OpenEvent({ eventId, label, isPrimary }: OpenProps) {
  const [, navigate] = useLocation()
  const [isBusy, setBusy] = useState(false)
  const open = async () => {
    setBusy(true)
    try {
      const { stackId } = await read(timelineApi.events[':id'].$get({ param: { id: eventId } }))
      navigate(`/?state=all&stack=${stackId}`)
    } catch (failure) {
      const problem = explain(failure)
      toast(problem.status === 404 ? 'This event is not kept any more' : problem.detail)
      setBusy(false)
    }
  }
  return (
    <button
      type="button"
      class={isPrimary ? 'button button-primary' : 'button small'}
      disabled={isBusy}
      onClick={open}
    >
      {label}
    </button>
  )
}
