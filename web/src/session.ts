import { signal } from '@preact/signals'
import { BASE, explain, type Problem, ProblemError } from './api/client.ts'

/** Who is signed in: `null` while nobody is, `undefined` until the server has said. */
export type Session = { name: string; scopes: string[] }
export const session = signal<Session | null | undefined>(undefined)

const url = new URL('session', BASE).href
const headers = { 'X-Tempo-Page': '1', 'Content-Type': 'application/json' }

window.addEventListener('tempo-signed-out', () => {
  session.value = null
})

/** Asks who is signed in. */
export async function loadSession(): Promise<void> {
  const response = await fetch(url, { headers }).catch(() => null)
  session.value = response?.status === 200 ? ((await response.json()) as Session) : null
}

/** Trades a token for a session; returns what is wrong, or null. */
export async function signIn(token: string): Promise<Problem | null> {
  try {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ token }) })
    const body = await response.json()
    if (!response.ok) throw new ProblemError(body)
    session.value = body as Session
    return null
  } catch (error) {
    return explain(error)
  }
}

/** Ends the session, here and on the server. */
export async function signOut(): Promise<void> {
  await fetch(url, { method: 'DELETE', headers }).catch(() => null)
  session.value = null
}

/** Whether the session may change anything. */
export function mayChange(): boolean {
  return session.value?.scopes.includes('admin') ?? false
}
