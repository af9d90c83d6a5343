import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { deliveryApi, explain, read } from '../api/client.ts'
import { usePolling } from '../parts/loading.ts'
import { Time } from '../parts/time.tsx'
import { OpenEvent } from './open-event.tsx'
import { type DeliveryRow, reasonText } from './reasons.ts'

const EVERY_MS = 2_000
const LOOKED_AT = '50' as never
/** After this, what usually is in the way is said. */
const PATIENCE_MS = 60_000

type WaitProps = {
  token: { id: string; name: string }
  /** What usually is in the way; without it, what is with Proxmox. */
  hints?: string[] | undefined
}

/** Waits for the test, and says what arrived under the new token, or what is wrong. */
export function ConnectWait({ token, hints }: WaitProps) {
  const [since] = useState(() => Date.now())
  const [own, setOwn] = useState<DeliveryRow[]>([])
  const [strange, setStrange] = useState<DeliveryRow | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [isLong, setLong] = useState(false)

  const look = async () => {
    try {
      const { items } = await read(deliveryApi.deliveries.$get({ query: { limit: LOOKED_AT } }))
      const found = items.filter(({ tokenId }) => tokenId === token.id)
      const ids = new Set(found.map(({ id }) => id))
      // What others send meanwhile may push it off this page.
      setOwn((before) => [...found, ...before.filter(({ id }) => !ids.has(id))])
      setStrange(
        items.find((row) => !row.authenticated && Date.parse(row.receivedAt) > since - EVERY_MS) ?? null,
      )
      setProblem(null)
    } catch (failure) {
      setProblem(explain(failure).detail)
    }
  }
  usePolling(look, EVERY_MS)
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])

  const good = own.find(({ status }) => status < 300)
  const refused = own.find(({ status }) => status >= 300)
  return (
    <section class="card wait" aria-label="Test" data-state={good ? 'good' : refused ? 'bad' : 'waiting'}>
      <h3 aria-live="polite">
        {good ? (
          <>
            <Mark>✓</Mark>It arrived
          </>
        ) : refused ? (
          <>
            <Mark>!</Mark>It arrived, but was refused
          </>
        ) : (
          <>
            <span class="wait-dot" aria-hidden="true" />
            Waiting for the test
          </>
        )}
      </h3>
      {good ? (
        <Arrived row={good} name={token.name} />
      ) : refused ? (
        <Refused row={refused} />
      ) : (
        <p class="soft">This turns by itself when the first notification arrives.</p>
      )}
      {!good && strange && (
        <p class="small">
          Meanwhile something came from <code class="foreign">{strange.address}</code> without a good token:{' '}
          {reasonText(strange)} If that is yours, look at the token that it sends.
        </p>
      )}
      {!good && isLong && own.length === 0 && <Hints hints={hints} />}
      {problem && <p class="field-error">{problem} It is tried again.</p>}
    </section>
  )
}

function Hints({ hints }: Pick<WaitProps, 'hints'>) {
  return (
    <ul class="small soft wait-hints">
      {hints?.map((hint) => <li key={hint}>{hint}</li>) ?? (
        <>
          <li>Nothing came yet. Did the third command print an error?</li>
          <li>
            On the node, <code>curl -sS {'<address of this server>'}/health</code> must answer; a firewall or
            a local address is in the way most often.
          </li>
          <li>With https, Proxmox refuses a certificate that its system does not trust.</li>
        </>
      )}
    </ul>
  )
}

function Arrived({ row, name }: { row: DeliveryRow; name: string }) {
  return (
    <>
      <p>
        <span class="foreign">{name}</span> sent its first notification{' '}
        <Time at={row.receivedAt} as="relative" />
        {row.address && (
          <>
            {' '}
            from <code class="foreign">{row.address}</code>
          </>
        )}
        .
      </p>
      <div class="wait-tools">
        {row.eventId && <OpenEvent eventId={row.eventId} label="Show it on the timeline" isPrimary />}
        <Link class="button" href="/">
          To the timeline
        </Link>
      </div>
    </>
  )
}

function Refused({ row }: { row: DeliveryRow }) {
  return (
    <>
      <p>
        <strong>{reasonText(row)}</strong>{' '}
        <span class="soft small">
          (status {row.status}, path <code class="foreign">{row.path}</code>,{' '}
          <Time at={row.receivedAt} as="relative" />)
        </span>
      </p>
      {row.quarantineId && (
        <Link class="button" href={`/settings/quarantine?id=${row.quarantineId}`}>
          Look at what it sent
        </Link>
      )}
      <p class="soft small">Still waiting for a good one …</p>
    </>
  )
}

function Mark({ children }: { children: string }) {
  return (
    <span class="wait-mark" aria-hidden="true">
      {children}
    </span>
  )
}
