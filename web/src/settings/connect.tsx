import { useState } from 'preact/hooks'
import { useSearch } from 'wouter-preact'
import { connectApi, read } from '../api/client.ts'
import { Segments } from '../parts/segments.tsx'
import { mayChange } from '../session.ts'
import { ConnectForm, type Connection } from './connect-form.tsx'
import { ConnectLines, ConnectMore } from './connect-lines.tsx'
import { ConnectWait } from './connect-wait.tsx'
import { ConnectProxCenter } from './proxcenter.tsx'
import { Section } from './section.tsx'

function connect(connection: Connection) {
  return read(connectApi.connect.$post({ json: connection }))
}
export type Connected = Awaited<ReturnType<typeof connect>>

/** Sets up a sender: a Proxmox, or ProxCenter. */
export function ConnectSection() {
  const isProxCenter = new URLSearchParams(useSearch()).get('sender') === 'proxcenter'
  return (
    <>
      <div class="connect-senders">
        <Segments
          label="Sender"
          items={[
            { label: 'Proxmox', href: '/settings/connect', isHere: !isProxCenter },
            { label: 'ProxCenter', href: '/settings/connect?sender=proxcenter', isHere: isProxCenter },
          ]}
        />
      </div>
      {isProxCenter ? <ConnectProxCenter /> : <ConnectProxmox />}
    </>
  )
}

/** From nothing to the first notification of a Proxmox: a form, lines to paste, and a wait for the test. */
function ConnectProxmox() {
  const [connected, setConnected] = useState<Connected | null>(null)
  return (
    <Section
      title="Connect Proxmox"
      about="Makes a token for one Proxmox VE or Proxmox Backup Server, and the commands that set it up to send here."
      tools={
        connected && (
          <button type="button" class="button" onClick={() => setConnected(null)}>
            Connect another
          </button>
        )
      }
    >
      {!mayChange() ? (
        <p class="empty card">To connect a Proxmox, sign in with an admin token.</p>
      ) : connected ? (
        <>
          <ConnectLines setup={connected.setup} />
          <ConnectWait token={connected.token} />
          <ConnectMore setup={connected.setup} />
        </>
      ) : (
        <ConnectForm onSubmit={async (connection) => setConnected(await connect(connection))} />
      )}
    </Section>
  )
}
