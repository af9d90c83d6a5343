import { useState } from 'preact/hooks'
import { read, tokenApi } from '../api/client.ts'
import { FormDialog } from '../parts/dialog.tsx'
import { useLoad } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { Section } from './section.tsx'
import { TokenForm, TokenOnce } from './token-form.tsx'

function loadTokens() {
  return read(tokenApi.tokens.$get()).then(({ items }) => items)
}
type TokenRow = Awaited<ReturnType<typeof loadTokens>>[number]

/** All tokens, never their secrets; a new one is shown once. */
export function TokensSection() {
  const { value, error, reload } = useLoad(loadTokens, [])
  const [isMaking, setMaking] = useState(false)
  const [made, setMade] = useState<{ name: string; token: string } | null>(null)
  const [revoking, setRevoking] = useState<TokenRow | null>(null)
  const [showsOld, setShowsOld] = useState(false)
  const canChange = mayChange()
  const inForce = value?.filter((token) => stateOf(token) === 'in force') ?? []
  const old = value?.filter((token) => stateOf(token) !== 'in force') ?? []
  const revoke = async (token: TokenRow) => {
    await tokenApi.tokens[':id'].$delete({ param: { id: token.id } })
    if (made?.token.startsWith(token.prefix)) setMade(null)
    toast(`${token.name} is revoked`)
    await reload()
  }
  return (
    <Section
      title="Tokens"
      about="Each sender has a token of its own, so that it can be revoked alone. Only a hash of it is kept."
      tools={
        canChange &&
        !isMaking && (
          <button type="button" class="button button-primary" onClick={() => setMaking(true)}>
            New token
          </button>
        )
      }
    >
      {made && <TokenOnce {...made} onClose={() => setMade(null)} />}
      {isMaking && (
        <TokenForm
          onMade={(token) => {
            setMade(token)
            setMaking(false)
            reload()
          }}
          onClose={() => setMaking(false)}
        />
      )}
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows />}
      {value && inForce.length === 0 && (
        <p class="empty card">No token is in force but the administrator’s own.</p>
      )}
      {inForce.length > 0 && <TokenTable tokens={inForce} onRevoke={canChange ? setRevoking : null} />}
      {old.length > 0 && (
        <div>
          <button
            type="button"
            class="button button-quiet"
            aria-expanded={showsOld}
            onClick={() => setShowsOld(!showsOld)}
          >
            {showsOld ? 'Hide' : 'Show'} {old.length} revoked or expired
          </button>
        </div>
      )}
      {showsOld && <TokenTable tokens={old} onRevoke={null} />}
      {revoking && (
        <FormDialog
          title={`Revoke ${revoking.name}?`}
          action="Revoke for good"
          isDangerous
          onSubmit={() => revoke(revoking)}
          onClose={() => setRevoking(null)}
        >
          <p>
            Whoever sends with <code class="foreign">{revoking.prefix}…</code> is refused from now on. This
            cannot be taken back.
          </p>
        </FormDialog>
      )}
    </Section>
  )
}

type TableProps = { tokens: TokenRow[]; onRevoke: ((token: TokenRow) => void) | null }

function TokenTable({ tokens, onRevoke }: TableProps) {
  return (
    <div class="card table-scroll">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Opens</th>
            <th scope="col">Last used</th>
            <th scope="col">Made</th>
            <th scope="col">State</th>
            {onRevoke && (
              <th scope="col">
                <span class="visually-hidden">Revoke</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row">
                <span class="foreign">{token.name}</span>
                <br />
                <code class="soft small">{token.prefix}…</code>
              </th>
              <td data-label="Opens">
                <span>
                  {token.scopes.map((scope) => (
                    <span class="chip" key={scope}>
                      {scope}
                    </span>
                  ))}{' '}
                  <span class="small soft foreign">{boundTo(token)}</span>
                  {token.hmac && (
                    <span class="small soft token-defaults">
                      {token.hmacRequired ? 'with a signature only' : 'also by a signature'}
                    </span>
                  )}
                  {Object.keys(token.defaults).length > 0 && (
                    <span class="small soft foreign token-defaults">{addedBy(token)}</span>
                  )}
                </span>
              </td>
              <td data-label="Last used">
                {token.lastUsedAt ? (
                  <Time at={token.lastUsedAt} as="relative" />
                ) : (
                  <span class="soft">never</span>
                )}
              </td>
              <td data-label="Made">
                <Time at={token.createdAt} as="relative" />
              </td>
              <td data-label="State">
                <StateText token={token} />
              </td>
              {onRevoke && (
                <td class="cell-end">
                  <button type="button" class="button button-danger small" onClick={() => onRevoke(token)}>
                    Revoke<span class="visually-hidden"> {token.name}</span>
                  </button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function StateText({ token }: { token: TokenRow }) {
  const state = stateOf(token)
  if (state === 'revoked') {
    return (
      <span class="soft">
        revoked <Time at={token.revokedAt!} as="relative" />
      </span>
    )
  }
  if (!token.expiresAt) return <span>in force</span>
  return (
    <span class={state === 'expired' ? 'soft' : ''}>
      {state === 'expired' ? 'expired' : 'in force, expires'} <Time at={token.expiresAt} as="relative" />
    </span>
  )
}

function stateOf({ revokedAt, expiresAt }: TokenRow): 'in force' | 'expired' | 'revoked' {
  if (revokedAt) return 'revoked'
  return expiresAt && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'in force'
}

/** Metadata that the token adds to its events. */
function addedBy({ defaults }: TokenRow): string {
  const facts = Object.entries(defaults).map(([name, value]) => `${name} ${value}`)
  return `adds ${facts.join(', ')}`
}

function boundTo({ scopes, providers }: TokenRow): string {
  if (!scopes.includes('ingest')) return ''
  return providers.length === 0 ? 'for any provider' : `for ${providers.join(', ')}`
}
