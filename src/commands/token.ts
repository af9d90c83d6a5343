import { Command } from 'commander'
import { METADATA_NAME, SCOPES, type Scope, type Token } from '../access.ts'
import { PROXCENTER } from '../adapters/proxcenter.ts'
import { parseTimestamp } from '../adapters/timestamp.ts'
import { makeToken } from '../auth/secret.ts'
import { isSignatureRequired, makeSigningSecret } from '../auth/signature.ts'
import { fatal } from '../errors.ts'
import { isProviderIdentifier, isWithinProvider } from '../event.ts'
import { parseDuration } from '../scores/duration.ts'
import { insertToken, listTokens, revokeToken } from '../storage/tokens.ts'
import { serverVault } from './server-vault.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

type CreateOptions = {
  name: string
  provider: string[]
  scope?: Scope[]
  set?: string[]
  cluster?: string
  expires?: string
  hmac?: boolean
  hmacRequired?: boolean
  json?: boolean
}

const LONGEST_NAME = 100

const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** `tempo token create|list|revoke`. */
export function tokenCommand(terminal: Terminal): Command {
  const command = new Command('token').description('Make, list and revoke tokens')

  command
    .command('create')
    .description('Make a token; only the token is printed, and only this once')
    .requiredOption('--name <name>', 'what to call it')
    .option(
      '--provider <identifier>',
      'provider it may write to, with everything below it (repeatable)',
      collect,
      [],
    )
    .option(`--scope <scope>`, `${SCOPES.join(', ')} (repeatable; default: ingest)`, collectScope)
    .option('--expires <when>', 'an instant such as 2027-01-31T00:00:00Z, or a time from now such as 90d')
    .option(
      '--set <name=value>',
      'metadata to add where it is missing, such as ServerUrl=https://pve.lan:8006',
      collect,
    )
    .option('--cluster <name>', 'the same as --set Cluster=NAME')
    .option('--hmac', 'make a secret too that signs bodies, for ProxCenter; it is the second line')
    .option('--hmac-required', 'the same, and take nothing with the token that is not signed')
    .option('--json', 'print {id,name,token,scopes,providers,expiresAt}, and hmacSecret if there is one')
    .action(async (options: CreateOptions) => {
      const secrets = await create(options, new Date())
      terminal.out.write(`${secrets}\n`)
    })

  command
    .command('list')
    .description('All tokens, never their secrets')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const tokens = await withDatabase('token list', (db) => listTokens(db))
      terminal.out.write(json ? `${JSON.stringify(tokens.map(tokenFacts), null, 2)}\n` : tokenTable(tokens))
    })

  command
    .command('revoke')
    .description('Revoke a token for good')
    .argument('<id>', 'its id, or its prefix or name when only one token in force has it')
    .action(async (wanted: string) => {
      const token = await withDatabase('token revoke', async (db) => {
        const found = pickToken(await listTokens(db), wanted)
        await revokeToken(db, found.id)
        return found
      })
      terminal.err.write(`Revoked ${token.name} (${token.prefix}).\n`)
    })

  return command
}

async function create(options: CreateOptions, now: Date): Promise<string> {
  const name = options.name.trim()
  if (name === '' || name.length > LONGEST_NAME) {
    throw fatal('bad_name', `--name: give 1 to ${LONGEST_NAME} characters.`)
  }
  const wrong = options.provider.filter((provider) => !isProviderIdentifier(provider))
  if (wrong.length > 0) {
    throw fatal('bad_provider', `${wrong.join(', ')}: a provider looks like com.proxmox, in lower case.`)
  }
  const scopes: Scope[] = options.scope ? [...new Set(options.scope)] : ['ingest']
  const expiresAt = options.expires === undefined ? null : readExpiry(options.expires, now)
  const wish = { name, scopes, providers: options.provider, defaults: readDefaults(options), expiresAt }
  const required = options.hmacRequired ?? false
  const hmacSecret = options.hmac || required ? makeSigningSecret() : null
  if (hmacSecret !== null) requireSignable(wish)
  const { secret, token } = await withDatabase('token create', async (db, config) => {
    const signing =
      hmacSecret === null ? undefined : { secret: hmacSecret, required, vault: await serverVault(config) }
    const made = makeToken({ ...wish, signing }, now)
    await insertToken(db, made.token)
    return made
  })
  if (!options.json) return hmacSecret === null ? secret : `${secret}\n${hmacSecret}`
  return JSON.stringify({
    id: token.id,
    name: token.name,
    token: secret,
    scopes,
    providers: token.providers,
    expiresAt: expiresAt?.toISOString() ?? null,
    ...(hmacSecret !== null && { hmacSecret }),
  })
}

function requireSignable({ providers, scopes }: { providers: string[]; scopes: Scope[] }): void {
  if (!providers.some((provider) => isWithinProvider(provider, PROXCENTER))) {
    throw fatal('bad_hmac', `--hmac: it signs what comes from ProxCenter; add --provider ${PROXCENTER}.`)
  }
  if (scopes.some((scope) => scope !== 'ingest')) {
    throw fatal('bad_hmac', '--hmac: it goes with the scope ingest alone.')
  }
}

function readDefaults({ set = [], cluster }: CreateOptions): Record<string, string> {
  const pairs = cluster === undefined ? set : [...set, `Cluster=${cluster}`]
  const entries = pairs.map((pair): [string, string] => {
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1).trim()]
    if (!pair.includes('=') || !METADATA_NAME.test(name) || value === '' || value.length > 1_000) {
      throw fatal('bad_default', `--set ${pair}: write NAME=VALUE, as in ServerUrl=https://pve.lan:8006.`)
    }
    return [name, value]
  })
  return Object.fromEntries(entries)
}

function readExpiry(text: string, now: Date): Date {
  const parsed = /^\d+[mhdw]$/.test(text) ? null : parseTimestamp(text)
  const at = parsed ? parsed.ok && parsed.date : new Date(now.getTime() + (parseDuration(text) ?? 0))
  if (!at || at <= now)
    throw fatal('bad_expiry', '--expires: give a later instant, as 2027-01-31T00:00:00Z, or 90d.')
  return at
}

function collectScope(value: string, before: Scope[] = []): Scope[] {
  const scope = SCOPES.find((name) => name === value)
  if (!scope) throw fatal('bad_scope', `--scope ${value}: choose one of ${SCOPES.join(', ')}.`)
  return [...before, scope]
}

function pickToken(tokens: Token[], wanted: string): Token {
  const inForce = tokens.filter((token) => !token.revokedAt)
  const found = inForce.filter((token) => [token.id, token.prefix, token.name].includes(wanted))
  if (found.length === 1) return found[0]!
  if (found.length === 0)
    throw fatal('no_such_token', `No token in force has the id, prefix or name ${wanted}.`)
  throw fatal(
    'ambiguous_token',
    `${found.length} tokens have the name ${wanted}; give the id:\n${tokenTable(found)}`,
  )
}

function tokenFacts({ hash: _hash, hmacSecret, ...token }: Token) {
  return { ...token, hmac: hmacSecret !== null, hmacRequired: isSignatureRequired(hmacSecret) }
}

function tokenTable(tokens: Token[]): string {
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.prefix,
    token.scopes.join(','),
    token.providers.join(',') || '(any)',
    token.revokedAt ? 'revoked' : token.expiresAt ? `until ${token.expiresAt.toISOString()}` : 'in force',
    token.lastUsedAt ? `used ${token.lastUsedAt.toISOString()}` : 'never used',
  ])
  return table([['ID', 'NAME', 'PREFIX', 'SCOPES', 'PROVIDERS', 'STATE', 'LAST USED'], ...rows])
}
