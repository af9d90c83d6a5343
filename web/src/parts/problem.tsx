import { explain } from '../api/client.ts'

/** What went wrong and what to do, as the server said it. */
export function ProblemBox({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = explain(error)
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      <span class="foreign">{problem.detail}</span>
      {problem.errors && problem.errors.length > 1 && (
        <ul>
          {problem.errors.map(({ path, message }) => (
            <li class="foreign small" key={path + message}>
              <code>{path || 'body'}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {problem.hint && <span class="foreign small">{problem.hint}</span>}
      {retry && (
        <div>
          <button type="button" class="button" onClick={retry}>
            Try again
          </button>
        </div>
      )}
    </div>
  )
}
