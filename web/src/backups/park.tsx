import { backupApi } from '../api/client.ts'
import { FormDialog } from '../parts/dialog.tsx'
import { toast } from '../parts/toasts.tsx'
import { dayOf } from '../timeline/filters.ts'
import { guestLabel } from './data.ts'

type Parkable = {
  cluster: string
  vmid: string
  name: string | null
  parked: { reason: string } | null
}
type ParkProps = { guest: Parkable; onDone: () => void; onClose: () => void }

const DAY_MS = 86_400_000

/** Says that a guest needs no backup for a time, or that it needs one again. */
export function ParkDialog({ guest, onDone, onClose }: ParkProps) {
  const { cluster, vmid, parked } = guest
  const label = guestLabel(guest)
  if (parked) {
    const unpark = async () => {
      await backupApi.guests.unpark.$post({ json: { cluster, vmid } })
      toast(`Backups of ${label} are expected again`)
      onDone()
    }
    return (
      <FormDialog title={`Unpark ${label}?`} action="Unpark" onSubmit={unpark} onClose={onClose}>
        <p>
          Backups of it are expected again. It was parked because: <q class="foreign">{parked.reason}</q>
        </p>
      </FormDialog>
    )
  }
  const park = async (data: FormData) => {
    const day = String(data.get('until'))
    // The whole of the last day, in the zone of who asks for it.
    const until = day ? new Date(new Date(`${day}T00:00:00`).getTime() + DAY_MS).toISOString() : null
    await backupApi.guests.park.$post({ json: { cluster, vmid, reason: String(data.get('reason')), until } })
    toast(`${label} is parked`)
    onDone()
  }
  return (
    <FormDialog title={`Park ${label}`} action="Park" onSubmit={park} onClose={onClose}>
      <p class="soft">While a guest is parked, nobody is warned that its backup is missing.</p>
      <label class="field">
        <span>Why</span>
        <input class="input" name="reason" required maxLength={500} autofocus placeholder="Moved to pve-02" />
      </label>
      <label class="field">
        <span>Up to and including (empty: until it is unparked)</span>
        <input class="input" name="until" type="date" min={dayOf(Date.now())} />
      </label>
    </FormDialog>
  )
}
