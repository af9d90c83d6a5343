/** One request over HTTP and what came of it, as it is kept. */
import type { ChannelTarget, Exchange } from '../channel.ts'
import { explainAnswer, explainError, resultOfError, resultOfStatus, retryAfterOf } from './answer.ts'
import type { Outgoing, OutgoingAnswer, OutgoingRequest } from './channel.ts'
import { hide, recordRequest, secretsOf } from './mask.ts'

/** A request with a JSON body. */
export function jsonRequest(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
  method = 'POST',
): OutgoingRequest {
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  return { url, method, headers: { 'content-type': 'application/json', ...headers }, body: json }
}

/**
 * Sends it, and never throws for what comes back or does not. `meant`: the status that the answer means, for receivers
 * that say one in a body under another.
 */
export async function exchange(
  target: ChannelTarget,
  outgoing: Outgoing,
  request: OutgoingRequest,
  meant: (answer: OutgoingAnswer) => number = ({ status }) => status,
): Promise<Exchange> {
  const secrets = secretsOf(target)
  const sent = recordRequest(request, target)
  try {
    const answer = await outgoing.request(request)
    return {
      result: resultOfStatus(meant(answer)),
      status: answer.status,
      request: sent,
      answer: hide(explainAnswer(answer), secrets),
      retryAfterMs: retryAfterOf(answer, Date.now()),
    }
  } catch (error) {
    const answer = hide(explainError(error), secrets)
    return { result: resultOfError(error), status: null, request: sent, answer, retryAfterMs: null }
  }
}
