import { useEffect } from 'preact/hooks'
import { Link, Route, Router, Switch, useLocation } from 'wouter-preact'
import { BASE } from './api/client.ts'
import { Icon, type IconName } from './parts/icon.tsx'
import { ThemeSwitch } from './parts/theme-switch.tsx'
import { Toasts } from './parts/toasts.tsx'
import { loadSession, session, signOut } from './session.ts'
import { BackupsView } from './views/backups.tsx'
import { GuestView } from './views/guest.tsx'
import { SettingsView } from './views/settings.tsx'
import { SignInView } from './views/sign-in.tsx'
import { TimelineView } from './views/timeline.tsx'

const PLACES: { path: string; label: string; icon: IconName }[] = [
  { path: '/', label: 'Timeline', icon: 'timeline' },
  { path: '/backups', label: 'Backups', icon: 'backups' },
  { path: '/settings', label: 'Settings', icon: 'settings' },
]

export function App() {
  useEffect(() => {
    loadSession()
  }, [])
  if (session.value === undefined) return null
  return (
    <Router base={BASE.pathname.replace(/\/$/, '')}>
      {session.value === null ? <SignInView /> : <Shell />}
      <Toasts />
    </Router>
  )
}

function Shell() {
  return (
    <div class="shell">
      <header class="rail">
        <Link class="brand" href="/">
          <img src={new URL('icon.svg', BASE).href} alt="" />
          Tempo
        </Link>
        <nav aria-label="Main">
          <ul>
            {PLACES.map((place) => (
              <li key={place.path}>
                <Place {...place} />
              </li>
            ))}
          </ul>
        </nav>
        <Foot class="rail-foot" />
      </header>
      <main class="main" id="main">
        <Switch>
          <Route path="/" component={TimelineView} />
          <Route path="/backups" component={BackupsView} />
          <Route path="/backups/:cluster/:vmid" component={GuestView} />
          <Route path="/settings/:section?" component={SettingsView} />
          <Route>
            <div class="empty">
              <h1>There is no such page</h1>
              <Link href="/">To the timeline</Link>
            </div>
          </Route>
        </Switch>
        <Foot class="main-foot" />
      </main>
    </div>
  )
}

/** Who is signed in; beside the page, or on a phone below it. */
function Foot(props: { class: string }) {
  return (
    <div class={`${props.class} small soft`}>
      <ThemeSwitch />
      <span class="foreign">{session.value?.name}</span>
      <button type="button" class="button" onClick={signOut}>
        Sign out
      </button>
    </div>
  )
}

function Place({ path, label, icon }: (typeof PLACES)[number]) {
  const [location] = useLocation()
  const isHere = path === '/' ? location === '/' : location.startsWith(path)
  return (
    <Link href={path} aria-current={isHere ? 'page' : undefined}>
      <Icon name={icon} />
      {label}
    </Link>
  )
}
