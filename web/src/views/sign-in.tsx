import { useState } from 'preact/hooks'
import type { Problem } from '../api/client.ts'
import { signIn } from '../session.ts'
import './sign-in.css'

/** A token opens the page; it is sent once and kept by nobody but the session cookie. */
export function SignInView() {
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    setBusy(true)
    setProblem(await signIn(String(data.get('token')).trim()))
    setBusy(false)
  }
  return (
    <main class="sign-in" id="main">
      <form class="card sign-in-card" onSubmit={submit}>
        <h1>Sign in to Tempo</h1>
        <label class="field">
          <span>Token</span>
          <input
            class="input mono"
            name="token"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            aria-describedby="token-help"
          />
        </label>
        {problem && (
          <p class="field-error" role="alert">
            {problem.detail}
          </p>
        )}
        <button type="submit" class="button button-primary" disabled={busy}>
          Sign in
        </button>
        <p class="small soft" id="token-help">
          The first start wrote one to the file <code>admin-token</code> in the data folder. To look only,
          make another: <code>npx tempo token create --name me --scope read</code>
        </p>
      </form>
    </main>
  )
}
