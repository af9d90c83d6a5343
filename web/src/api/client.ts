/** The server's own routes, typed by the server's own code. */
import { type ClientResponse, hc } from 'hono/client'
import type {
  BackupApi,
  ChannelApi,
  ConnectApi,
  DeliveryApi,
  NotificationApi,
  OverviewApi,
  ScoreApi,
  SilenceApi,
  TimelineApi,
  TokenApi,
  TriageApi,
} from './routes.ts'

/** Where the page is served from: `/`, or TEMPO_BASE_PATH with a slash at its end. */
export const BASE = new URL('.', document.baseURI)
const API = new URL('api/v1', BASE).href

/** Changes carry a header that no other site can send: together with the SameSite cookie it keeps forgeries out. */
const options = {
  headers: { 'X-Tempo-Page': '1' },
  init: { credentials: 'same-origin' as const },
  fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
    const response = await fetch(input, init).catch(() => {
      throw new ProblemError({ status: 0, title: 'No answer', detail: 'The server cannot be reached.' })
    })
    if (!response.ok) throw await problemOf(response)
    return response
  },
}

export const timelineApi = hc<TimelineApi>(API, options)
export const triageApi = hc<TriageApi>(API, options)
export const overviewApi = hc<OverviewApi>(API, options)
export const backupApi = hc<BackupApi>(API, options)
export const deliveryApi = hc<DeliveryApi>(API, options)
export const tokenApi = hc<TokenApi>(API, options)
export const scoreApi = hc<ScoreApi>(API, options)
export const connectApi = hc<ConnectApi>(API, options)
export const channelApi = hc<ChannelApi>(API, options)
export const silenceApi = hc<SilenceApi>(API, options)
export const notificationApi = hc<NotificationApi>(API, options)

/** A request that the typed clients cannot say, such as one with a raw body; `path` is below api/v1. */
export async function send<Body>(path: string, init: RequestInit = {}): Promise<Body> {
  const headers = { ...options.headers, 'Content-Type': 'application/json', ...init.headers }
  const response = await options.fetch(API + path, { ...options.init, ...init, headers })
  return (response.status === 204 ? null : await response.json()) as Body
}

type Good<R> =
  R extends ClientResponse<infer Body, infer Status, string>
    ? Status extends 200 | 201 | 202
      ? Body
      : never
    : never

/** The body of a good answer; any other has thrown a ProblemError before. */
export async function read<R extends ClientResponse<unknown>>(request: Promise<R>): Promise<Good<R>> {
  return (await (await request).json()) as Good<R>
}

/** A problem as the server says it (RFC 9457). */
export type Problem = {
  status: number
  title: string
  detail: string
  code?: string
  errors?: { path: string; message: string }[]
  line?: number
  column?: number
  excerpt?: string
  hint?: string
}

export class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

async function problemOf(response: Response): Promise<ProblemError> {
  const fallback = {
    status: response.status,
    title: 'Failed',
    detail: `The server answered ${response.status}.`,
  }
  const problem = await response.json().catch(() => fallback)
  if (response.status === 401) window.dispatchEvent(new Event('tempo-signed-out'))
  return new ProblemError({ ...fallback, ...problem })
}

/** What to tell of any failure. */
export function explain(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  return { status: 0, title: 'Something went wrong', detail: String((error as Error)?.message ?? error) }
}
