import { readFile } from 'node:fs/promises'
import { adminTokenPath } from '../admin-token.ts'
import { type Config, commandVariables } from '../config.ts'
import { fatal } from '../errors.ts'

/** Where the server of this configuration answers: TEMPO_URL, else this machine. */
export function serverUrl(config: Config, given?: string): string {
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host
  const url =
    given ??
    commandVariables().url ??
    `http://${host.includes(':') ? `[${host}]` : host}:${config.port}${config.basePath}`
  return url.replace(/\/+$/, '')
}

/** A token for requests of the command line: --token, TEMPO_TOKEN, the configured admin token, or the file. */
export async function serverToken(config: Config, given?: string): Promise<string> {
  const token = (given ?? commandVariables().token)?.trim() || config.adminToken
  if (token) return token
  const path = adminTokenPath(config.dataDir)
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const what = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
    throw fatal('no_token', `Give a token with --token or TEMPO_TOKEN: ${path} ${what}.`)
  }
}
