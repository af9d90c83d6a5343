import { LogView } from '../parts/log-view.tsx'
import type { Exchange } from './data.ts'

/** How a try ended, in words. */
export function resultText({ result, status }: Pick<Exchange, 'result' | 'status'>): string {
  if (result === 'sent') return 'The receiver took it.'
  if (result === 'permanent') return 'The receiver refused it.'
  return status === null ? 'The receiver did not answer.' : 'The receiver could not take it now.'
}

export function StatusMark({ result, status }: Pick<Exchange, 'result' | 'status'>) {
  const isGood = result === 'sent'
  return (
    <span class="status numeric" data-good={isGood}>
      <span aria-hidden="true">{isGood ? '✓' : '✕'}</span> {status ?? 'no answer'}
    </span>
  )
}

/** What the receiver said to a test. */
export function TrialResult({ exchange }: { exchange: Exchange }) {
  const { result, request, answer, durationMs } = exchange
  return (
    <div class="trial" role="status" data-good={result === 'sent'}>
      <p>
        <StatusMark {...exchange} /> <strong>{resultText(exchange)}</strong>{' '}
        <span class="soft small numeric">{durationMs} ms</span>
      </p>
      {answer !== '' && <p class="trial-answer mono small foreign">{answer}</p>}
      {result === 'sent' && <p class="small soft">Look there whether it can be seen.</p>}
      <details>
        <summary>What was sent</summary>
        <LogView text={request} label="What was sent, secrets masked" isPlain />
      </details>
    </div>
  )
}
