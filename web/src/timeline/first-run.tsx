import { Link } from 'wouter-preact'
import { BASE } from '../api/client.ts'
import { CopyButton } from '../parts/copy.tsx'

/** While nothing has arrived: what to do. It goes by itself when the first event lands. */
export function FirstRun() {
  const url = new URL('ingest', BASE).href
  const probe = [
    `curl -sS -X POST ${url} \\`,
    `  -H 'X-Tempo-Token: TOKEN' \\`,
    `  -d '{"providerIdentifier":"com.proxmox","title":"Hello from curl","metadata":{"severity":"info","NodeName":"pve-01"}}'`,
  ].join('\n')
  return (
    <section class="first-run">
      <h2>Nothing has arrived yet</h2>
      <p class="soft">This page turns into the timeline by itself with the first event.</p>
      <ol>
        <li class="card">
          <h3>Connect Proxmox</h3>
          <p class="soft">One pasted command on a node makes the target and sends a test.</p>
          <Link class="button button-primary" href="/settings/connect">
            Connect Proxmox
          </Link>
        </li>
        <li class="card">
          <h3>Or probe it with curl</h3>
          <p class="soft">
            Make a token under <Link href="/settings/tokens">Settings, Tokens</Link>, and put it in the place
            of TOKEN.
          </p>
          <pre class="probe">{probe}</pre>
          <CopyButton text={probe} label="Copy the probe" />
        </li>
      </ol>
    </section>
  )
}
