/** A real Chromium, and what it complained about. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { TestServer } from './server.ts'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where a browser is; null when there is none: `apt-get install chromium`, or set CHROMIUM_PATH. */
export function findChromium(): string | null {
  const wanted = process.env.CHROMIUM_PATH
  return [...(wanted ? [wanted] : []), ...PLACES].find((path) => existsSync(path)) ?? null
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium()
  if (!executablePath) throw new Error('no browser: apt-get install chromium, or set CHROMIUM_PATH')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

export type Visit = {
  page: Page
  context: BrowserContext
  /** Lines of the console that are errors, faults of scripts, and requests to other hosts. */
  complaints: string[]
  close: () => Promise<void>
}

type VisitOptions = {
  width?: number
  theme?: 'light' | 'dark'
  token?: string | null
  reducedMotion?: boolean
}

/** Opens the page of a server, signed in with its admin token unless another, or none, is given. */
export async function visit(
  browser: Browser,
  server: TestServer,
  options: VisitOptions = {},
): Promise<Visit> {
  const { width = 1280, theme = 'light', token = server.adminToken, reducedMotion = false } = options
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: theme,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    permissions: ['clipboard-read', 'clipboard-write'],
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('data:'))
      complaints.push(`request to ${request.url()}`)
  })
  await page.goto(`${server.url}/`)
  if (token !== null) await signIn(page, token)
  return { page, context, complaints, close: () => context.close() }
}

/** Fills the form in and waits for the page behind it. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.fill('input[name=token]', token)
  await page.click('button[type=submit]')
  await page.waitForSelector('.shell')
}
