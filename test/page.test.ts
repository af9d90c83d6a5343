import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { storeEvents } from '../src/storage/store-events.ts'
import { findChromium, openBrowser, signIn, visit } from './helpers/browser.ts'
import { judgedEvent } from './helpers/events.ts'
import { readFixture } from './helpers/fixtures.ts'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const skip =
  (findChromium() === null && 'no Chromium here: apt-get install chromium') ||
  (process.env.TEMPO_TEST_NO_BROWSER === '1' && 'TEMPO_TEST_NO_BROWSER is 1')

/** Serious and critical findings of axe-core on what is shown now. */
async function accessibilityFaults(page: Page): Promise<string[]> {
  // Through the debugger, because the page's policy lets nobody add a script.
  await page.evaluate(AXE)
  const found = (await page.evaluate('axe.run(document)')) as AxeResult
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`)
}

type AxeResult = {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
}

const VIEWS = [
  '/',
  '/backups',
  '/settings/connect',
  '/settings/tokens',
  '/settings/sources',
  '/settings/scores',
  '/settings/deliveries',
  '/settings/quarantine',
]

describe('the page', { skip }, () => {
  let server: TestServer
  let browser: Browser
  before(async () => {
    server = await startTestServer()
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  test('shows what to do while nothing has arrived, and the first event within a second of its POST', async () => {
    const { page, complaints, close } = await visit(browser, server, { token: null })
    const token = await server.token(['com.proxmox'])
    await signIn(page, server.adminToken)
    await page.getByText('Nothing has arrived yet').waitFor()
    await page.waitForSelector('[data-live=true]')
    assert.equal((await server.post('/ingest', token, readFixture('pve/vzdump-ok.json'))).status, 200)
    await page.locator('.stack').first().waitFor()
    // A machine that does much else may be late for one of them.
    const waits: number[] = []
    for (let n = 0; n < 5 && !waits.some((ms) => ms < 1_000); n++) {
      const begin = performance.now()
      await server.post('/ingest', token, { title: `Number ${n}`, metadata: { NodeName: `node-${n}` } })
      await page.getByRole('button', { name: `Number ${n}` }).waitFor()
      waits.push(performance.now() - begin)
    }
    assert.ok(Math.min(...waits) < 1_000, `within a second: ${waits.join(', ')} ms`)
    assert.deepEqual(complaints, [])
    await close()
  })

  test('does what its five actions say', async () => {
    const token = await server.token(['com.proxmox'])
    const metadata = {
      NodeName: 'pve-07',
      VMID: '4711',
      ServerUrl: 'https://pve.lan:8006',
      severity: 'error',
    }
    await server.post('/ingest', token, { title: 'Disk full', metadata })
    const { page, close } = await visit(browser, server)
    await page.getByRole('button', { name: 'Disk full' }).click()
    const panel = page.getByRole('complementary', { name: 'Details' })
    for (const [label, url] of [
      ['Open Proxmox UI', 'https://pve.lan:8006/'],
      ['Open Datacenter', 'https://pve.lan:8006/#v1:0:18'],
    ] as const) {
      const link = panel.getByRole('link', { name: label })
      assert.equal(await link.getAttribute('href'), url)
      assert.equal(await link.getAttribute('target'), '_blank')
      assert.match((await link.getAttribute('rel'))!, /noreferrer/)
    }
    for (const [label, text] of [
      ['Copy server URL', 'https://pve.lan:8006'],
      ['Copy node name', 'pve-07'],
      ['Copy VMID', '4711'],
    ] as const) {
      await panel.getByRole('button', { name: label }).click()
      await page.getByText(`Copied: ${text}`, { exact: true }).waitFor()
      assert.equal(await page.evaluate('navigator.clipboard.readText()'), text)
    }
    await close()
  })

  test('says what an action is missing', async () => {
    const token = await server.token(['com.proxmox'])
    await server.post('/ingest', token, { title: 'Nowhere', metadata: { severity: 'info' } })
    const { page, close } = await visit(browser, server)
    await page.getByRole('button', { name: 'Nowhere' }).click()
    const action = page.getByRole('button', { name: 'Copy VMID' })
    assert.equal(await action.getAttribute('aria-disabled'), 'true')
    await page
      .getByText(/Missing: .*VMID/)
      .first()
      .waitFor()
    await close()
  })

  test('shows a title full of markup, bidi and control characters as text', async () => {
    const token = await server.token(['com.proxmox'])
    const title = '<img src=x onerror="document.title=1"><script>alert(1)</script> \u202egnp.exe \u2066x'
    const Message = '<svg onload=alert(1)>\u0007\u001b[31m\n</pre><script>document.title=2</script>'
    await server.post('/ingest', token, { title, metadata: { severity: 'info', NodeName: 'x<b>', Message } })
    const { page, complaints, close } = await visit(browser, server)
    await page.locator('.stack-open', { hasText: '<img src=x' }).click()
    await page.locator('.message-text', { hasText: '<svg onload=alert(1)>' }).waitFor()
    assert.equal(await page.locator('.stack img, .panel img, .panel svg[onload], .stack script').count(), 0)
    assert.match(await page.title(), /Tempo/)
    const direction = await page.evaluate(
      "getComputedStyle([...document.querySelectorAll('.stack-open')].find((one) => one.textContent.includes('<img'))).unicodeBidi",
    )
    assert.equal(direction, 'isolate')
    assert.deepEqual(complaints, [])
    await close()
  })

  test('is walked with the keyboard, and takes back what was done', async () => {
    const token = await server.token(['scripts.keys'])
    for (const number of [1, 2, 3]) await server.post('/ingest', token, { title: `Key ${number}` })
    const { page, close } = await visit(browser, server)
    await page.goto(`${server.url}/?provider=scripts.keys`)
    await page.locator('.stack', { hasText: 'Key 3' }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.locator('.stack[data-current=true]', { hasText: 'Key 2' }).waitFor()
    await page.keyboard.press('e')
    await page.locator('.stack[data-acked=true]', { hasText: 'Key 2' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'Details' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('d')
    await page.locator('.stack', { hasText: 'Key 2' }).waitFor({ state: 'detached' })
    await page.locator('.toast', { hasText: 'Dismissed' }).getByRole('button', { name: 'Undo' }).click()
    await page.locator('.stack', { hasText: 'Key 2' }).waitFor()
    await page.keyboard.press('/')
    assert.equal(await page.evaluate('document.activeElement.id'), 'search')
    await page.keyboard.type('Key 1')
    await page.waitForURL(/q=Key/)
    await page.locator('.stack', { hasText: 'Key 3' }).waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await close()
  })

  test('selects a range with Shift and acknowledges all of it', async () => {
    const token = await server.token(['scripts.bulk'])
    for (let number = 1; number <= 6; number++)
      await server.post('/ingest', token, { title: `Bulk ${number}` })
    const { page, close } = await visit(browser, server)
    await page.goto(`${server.url}/?provider=scripts.bulk`)
    await page.getByLabel('Select Bulk 6').click()
    await page.getByLabel('Select Bulk 3').click({ modifiers: ['Shift'] })
    await page.getByText('4 selected').waitFor()
    await page.getByRole('toolbar').getByRole('button', { name: 'Acknowledge' }).click()
    await page.locator('.stack[data-acked=true]').nth(3).waitFor()
    // The page shows it before the server has said so.
    await eventually(async () => {
      const { body } = await server.get('/api/v1/timeline?provider=scripts.bulk&state=acked')
      return body.items.length === 4
    })
    await close()
  })

  test('ends with the session: signing out, a revoked token, a foreign page', async () => {
    const secret = await server.token([], ['read'])
    const { page, context, close } = await visit(browser, server, { token: secret })
    const [cookie] = await context.cookies()
    assert.equal(cookie?.httpOnly, true)
    assert.equal(cookie?.sameSite, 'Strict')
    const sent = { Cookie: `${cookie!.name}=${cookie!.value}` }
    assert.equal((await server.request('GET', '/api/v1/timeline', undefined, sent)).status, 200)
    const admin = await visit(browser, server)
    const [adminCookie] = await admin.context.cookies()
    const foreign = { Cookie: `${adminCookie!.name}=${adminCookie!.value}` }
    const bulk = { filter: {} }
    assert.equal((await server.request('POST', '/api/v1/stacks/ack', bulk, foreign)).status, 403)
    const own = { ...foreign, 'X-Tempo-Page': '1' }
    assert.equal((await server.request('POST', '/api/v1/stacks/ack', bulk, own)).status, 200)
    assert.equal((await server.request('POST', '/api/v1/stacks/ack', bulk, sent)).status, 403)
    await admin.close()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForSelector('input[name=token]')
    assert.equal((await server.request('GET', '/api/v1/timeline', undefined, sent)).status, 401)
    await page.fill('input[name=token]', 'tempo_00000000_wrong')
    await page.click('button[type=submit]')
    await page.getByText('This token is not known here').waitFor()
    await close()
  })

  test('has no serious fault of accessibility on any view, light and dark, wide and narrow', async () => {
    const token = await server.token(['com.proxmox'])
    await server.post('/ingest/proxmox', token, readFixture('pve-native/vzdump-failed.json'))
    for (const [theme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
    ] as const) {
      const { page, complaints, close } = await visit(browser, server, { theme, width, reducedMotion: true })
      for (const path of VIEWS) {
        await page.goto(server.url + path)
        await page.waitForSelector('main h1')
        await page.waitForLoadState('networkidle').catch(() => {})
        assert.deepEqual(await accessibilityFaults(page), [], `${path} ${theme} ${width}`)
        const overflow = Number(
          await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
        )
        assert.ok(overflow <= 0, `${path} is ${overflow} px too wide at ${width}`)
      }
      await page.goto(`${server.url}/`)
      await page.locator('.stack-open').first().click()
      await page.locator('.event-detail').waitFor()
      assert.deepEqual(await accessibilityFaults(page), [], `details ${theme} ${width}`)
      assert.deepEqual(complaints, [])
      await close()
    }
  })

  test('keeps the document small while it scrolls through thousands of stacks', async () => {
    const START = Date.now()
    for (let lot = 0; lot < 25; lot++) {
      const batch = Array.from({ length: 200 }, (_, index) => {
        const number = lot * 200 + index
        const startDate = new Date(START - number * 60_000)
        return judgedEvent({
          provider: 'scripts.many',
          title: `Many ${number}`,
          startDate,
          key: `k${number}`,
        })
      })
      await storeEvents(server.db, batch)
    }
    const { page, close } = await visit(browser, server)
    await page.goto(`${server.url}/?provider=scripts.many`)
    await page.locator('.stack').first().waitFor()
    let most = 0
    for (let last = 0; last < 5_000; ) {
      await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)')
      const shown =
        "Math.max(...[...document.querySelectorAll('.virtual-row')].map((row) => Number(row.dataset.index)))"
      last = Number(await page.evaluate(shown))
      most = Math.max(most, Number(await page.evaluate("document.querySelectorAll('*').length")))
    }
    assert.ok(most < 2_000, `${most} nodes`)
    await close()
  })

  test('brings less than 150 kB of script', async () => {
    const html = await (await fetch(`${server.url}/`)).text()
    const scripts = [...html.matchAll(/src="\.?\/?([^"]+\.js)"/g)].map((match) => match[1]!)
    assert.ok(scripts.length > 0)
    let bytes = 0
    for (const path of scripts) {
      bytes += gzipSync(Buffer.from(await (await fetch(`${server.url}/${path}`)).arrayBuffer())).length
    }
    assert.ok(bytes < 150_000, `${bytes} bytes`)
  })
})

test('nothing of another place is let in by the policy of the page', async () => {
  const server = await startTestServer({ env: { TEMPO_BASE_PATH: '/tempo' } })
  const response = await fetch(`${server.url}/tempo/`)
  const policy = response.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /script-src 'self'(;|$)/)
  assert.doesNotMatch(policy, /unsafe/)
  const html = await response.text()
  assert.match(html, /<base href="\/tempo\/"/)
  assert.doesNotMatch(html, /<script>|<style>|style="/)
  const [, script] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html)!
  const asset = await fetch(`${server.url}/tempo/${script}`)
  assert.equal(asset.status, 200)
  assert.match(asset.headers.get('cache-control')!, /immutable/)
  assert.equal((await fetch(`${server.url}/tempo/assets/nothing.js`)).status, 404)
  await server.stop()
})
