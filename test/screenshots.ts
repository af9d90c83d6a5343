/** Draws the main views into docs/screenshots, with a month of nights of a small cluster; `npm run screenshots`. */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { openBrowser, visit } from './helpers/browser.ts'
import { readFixture } from './helpers/fixtures.ts'
import { bodyOf, DAY, HOUR } from './helpers/nights.ts'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'
import { aborted, failed, ok, type SentGuest } from './helpers/vzdump.ts'

const FOLDER = fileURLToPath(new URL('../docs/screenshots/', import.meta.url))
const NAMES = [
  'web01',
  'dns1',
  'db01',
  'mail',
  'git',
  'nextcloud',
  'homeassistant',
  'monitoring',
  'vpn',
  'media',
]

/** What each guest of a node came to in a night, so many days ago. */
function guestsOf(day: number): SentGuest[] {
  return NAMES.map((name, index) => {
    const vmid = 100 + index
    if (name === 'db01' && (day === 3 || day === 17)) return failed(vmid, name)
    if (name === 'media' && day === 3) return aborted(vmid, name)
    const seconds = 60 + index * 37 + ((day * 7 + index * 13) % 29)
    return {
      ...ok(vmid, name),
      seconds,
      bytes: (2 + index) * 1_300_000_000 + ((day * 97 + index) % 11) * 2e7,
    }
  })
}

async function fill(server: TestServer): Promise<void> {
  const token = await server.token(['com.proxmox'])
  const midnight = Math.floor(Date.now() / DAY) * DAY
  for (let day = 30; day >= 1; day--) {
    if (day === 12) continue
    const run = bodyOf({ startedAt: midnight - day * DAY + HOUR, guests: guestsOf(day) })
    await server.post('/ingest/proxmox', token, run)
  }
  for (const name of ['package-updates', 'replication', 'system-mail', 'fencing', 'fencing-success']) {
    const body = JSON.parse(readFixture(`pve-native/${name}.json`).toString())
    await server.post('/ingest/proxmox', token, { ...body, timestamp: Math.floor(Date.now() / 1000) - 600 })
  }
}

/** A receiver that takes everything, and channels of which one fails. */
async function addChannels(server: TestServer): Promise<() => void> {
  const receiver = createServer((request, response) => {
    request.resume()
    response.statusCode = request.url === '/gone' ? 404 : 200
    response.end(response.statusCode === 200 ? 'ok' : 'no such hook')
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  const atOnce = { groupWaitSeconds: 0, groupIntervalSeconds: 0 }
  for (const channel of [
    { name: 'On call', type: 'ntfy', url, topic: 'tempo', events: ['backup_failed', 'node_offline'] },
    { name: 'Ticket system', type: 'webhook', url: `${url}/gone`, minSeverity: 'error' },
    {
      name: 'Admins',
      type: 'email',
      enabled: false,
      host: 'mail.example.com',
      from: 'Tempo <tempo@example.com>',
      recipients: ['ada@example.com', 'grace@example.com'],
      events: ['backup_failed', 'task_failed', 'alert_triggered'],
    },
  ]) {
    await server.request('POST', '/api/v1/channels', { ...atOnce, ...channel })
  }
  return () => receiver.close()
}

const server = await startTestServer()
const browser = await openBrowser()
let closeReceiver: (() => void) | null = null
try {
  mkdirSync(FOLDER, { recursive: true })
  closeReceiver = await addChannels(server)
  await fill(server)
  await eventually(async () => {
    const { items } = (await server.get('/api/v1/channels')).body
    return (
      items.filter(({ state }: { state: { lastAnswer: string | null } }) => state.lastAnswer).length === 2
    )
  }, 20_000)
  for (const [name, path, theme, width, open] of [
    ['timeline', '/', 'light', 1280, false],
    ['details', '/', 'dark', 1440, true],
    ['backups', '/backups', 'light', 1280, false],
    ['guest', '/backups/TEMPO/102', 'light', 1280, false],
    ['channels', '/settings/channels', 'light', 1280, false],
    ['connect', '/settings/connect', 'dark', 1280, false],
    ['phone', '/', 'dark', 390, false],
  ] as const) {
    const { page, close } = await visit(browser, server, { theme, width })
    const { body } = await server.get('/api/v1/guests')
    const cluster = encodeURIComponent(body.items[0].cluster)
    await page.goto(server.url + path.replace('TEMPO', cluster))
    await page.waitForLoadState('networkidle').catch(() => {})
    if (open) {
      await page.locator('.stack-open').nth(1).click()
      await page.locator('.event-detail').waitFor()
    }
    await page.screenshot({ path: `${FOLDER}${name}.png` })
    await close()
  }
} finally {
  await browser.close()
  await server.stop()
  closeReceiver?.()
}
