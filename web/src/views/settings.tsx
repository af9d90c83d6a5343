import type { FunctionComponent } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Link, useParams } from 'wouter-preact'
import { ChannelsSection } from '../channels/section.tsx'
import { mayChange } from '../session.ts'
import { ConnectSection } from '../settings/connect.tsx'
import { DeliveriesSection } from '../settings/deliveries.tsx'
import { QuarantineSection } from '../settings/quarantine.tsx'
import { ScoresSection } from '../settings/scores.tsx'
import { SourcesSection } from '../settings/sources.tsx'
import { TokensSection } from '../settings/tokens.tsx'
import { SilencesSection } from '../silences/section.tsx'
import '../parts/tables.css'
import '../settings/settings.css'

const SECTIONS: { key: string; label: string; view: FunctionComponent }[] = [
  { key: 'connect', label: 'Connect', view: ConnectSection },
  { key: 'channels', label: 'Channels', view: ChannelsSection },
  { key: 'silences', label: 'Silences', view: SilencesSection },
  { key: 'tokens', label: 'Tokens', view: TokensSection },
  { key: 'sources', label: 'Sources', view: SourcesSection },
  { key: 'scores', label: 'Scores', view: ScoresSection },
  { key: 'deliveries', label: 'Deliveries', view: DeliveriesSection },
  { key: 'quarantine', label: 'Quarantine', view: QuarantineSection },
]

/** What the server is told, and what came in; each part under an address of its own. */
export function SettingsView() {
  const { section = 'connect' } = useParams<{ section?: string }>()
  const here = SECTIONS.find(({ key }) => key === section)
  useEffect(() => {
    document.title = `${here?.label ?? 'Settings'} · Tempo`
  }, [here])
  const nav = useRef<HTMLElement>(null)
  useEffect(() => {
    // On a narrow screen the list of settings is wider than the screen.
    const link = nav.current?.querySelector<HTMLElement>('[aria-current]')
    if (link) nav.current!.scrollLeft = link.offsetLeft - nav.current!.clientWidth / 3
  }, [section])
  const View = here?.view
  return (
    <div class="settings">
      <header class="page-head">
        <h1>Settings</h1>
        {!mayChange() && <p class="soft small">You are signed in to look; changes need an admin token.</p>}
      </header>
      <nav class="settings-nav" ref={nav} aria-label="Settings">
        <ul>
          {SECTIONS.map(({ key, label }) => (
            <li key={key}>
              <Link href={`/settings/${key}`} aria-current={key === section ? 'page' : undefined}>
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div class="settings-body">
        {View ? (
          <View key={section} />
        ) : (
          <div class="empty">
            <p>There are no such settings.</p>
            <Link href="/settings/connect">Connect Proxmox</Link>
          </div>
        )}
      </div>
    </div>
  )
}
