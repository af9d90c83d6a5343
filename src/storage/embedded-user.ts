/** PostgreSQL refuses to run as root: the system user that takes its place, and what that user can reach. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fatal } from '../errors.ts'
import { type EmbeddedLog, run, type SystemUser } from './embedded-process.ts'

/** Finds a user in the text of /etc/passwd (passwd(5): name:password:uid:gid:comment:home:shell); never root. */
export function findInPasswd(passwd: string, name: string): SystemUser | undefined {
  for (const line of passwd.split('\n')) {
    const [found, , uid, gid] = line.split(':')
    if (found === name && Number(uid) > 0) return { name, uid: Number(uid), gid: Number(gid) }
  }
}

async function findUser(name: string): Promise<SystemUser | undefined> {
  const local = findInPasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''), name)
  if (local) return local
  // Users of a directory service are in no file.
  const uid = await run('id', ['-u', name])
  const gid = await run('id', ['-g', name])
  if (!uid.ok || !gid.ok || Number(uid.stdout) === 0) return
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** The user that a PostgreSQL started by root runs as: tempo, else postgres, else a new tempo, else nobody. */
export async function chooseDatabaseUser(log: EmbeddedLog): Promise<SystemUser> {
  const existing = (await findUser('tempo')) ?? (await findUser('postgres')) ?? (await addTempo(log))
  const user = existing ?? (await findUser('nobody'))
  if (user) return user
  throw fatal(
    'embedded_no_user',
    'PostgreSQL does not run as root, and this system has no user to run it as.\n' +
      'Make one (useradd --system tempo), or set DATABASE_URL=postgres://… to use a database of your own.',
  )
}

async function addTempo(log: EmbeddedLog): Promise<SystemUser | undefined> {
  const shell = ['/usr/sbin/nologin', '/sbin/nologin'].find((path) => existsSync(path)) ?? '/bin/false'
  const args = ['--system', '--no-create-home', '--home-dir', '/nonexistent', '--shell', shell, 'tempo']
  const added = await run('useradd', args)
  // Looked up even upon failure: of several starters at once only one adds the user.
  const user = await findUser('tempo')
  if (added.ok) log('info', 'the system user tempo was added to run PostgreSQL', { uid: user?.uid })
  else if (!user) log('debug', 'no system user could be added', { output: added.output })
  return user
}

/** The topmost directory on the way to `path` that keeps this user out, tried as that user. */
export async function findBarrier(path: string, user: SystemUser): Promise<string | undefined> {
  const steps = [path]
  while (dirname(steps[0]!) !== steps[0]) steps.unshift(dirname(steps[0]!))
  const script = 'for step; do cd -- "$step" 2>/dev/null || { printf %s "$step"; exit 1; }; done'
  const walk = await run('/bin/sh', ['-c', script, 'sh', ...steps], { user })
  if (walk.ok) return
  if (walk.code === 1) return walk.stdout
  throw fatal(
    'embedded_no_user',
    `PostgreSQL does not run as root, and nothing can be run as the user ${user.name} here: ${walk.output}\n` +
      'Start Tempo server as an ordinary user, or set DATABASE_URL=postgres://… to use a database of your own.',
  )
}
