/** What the container files promise to someone who runs them as they are. No Docker is needed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { parse } from 'yaml'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

type Service = {
  ports?: string[]
  expose?: string[]
  network_mode?: string
  networks: string[]
  environment: Record<string, string>
  volumes: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  read_only?: boolean
  tmpfs?: string[]
  cap_drop?: string[]
  privileged?: boolean
  security_opt?: string[]
}

const compose: {
  services: { tempo: Service; postgres: Service }
  networks: Record<string, { internal?: boolean } | null>
  volumes: Record<string, unknown>
} = parse(read('docker-compose.yml'))
const { tempo, postgres } = compose.services

/** The last stage of the Dockerfile, one instruction an entry, without comments and line ends. */
const image = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split(/^FROM /m)
  .at(-1)!
  .split('\n')
  .map((line) => line.match(/^(?<name>[A-Z]+) +(?<rest>.+)$/)?.groups as { name: string; rest: string })
  .filter((instruction) => instruction !== undefined)

function instruction(name: string): string {
  const found = image.filter((one) => one.name === name)
  assert.equal(found.length, 1, `one ${name}`)
  return found[0]!.rest
}

test('the database cannot be reached from outside', () => {
  assert.equal(postgres.ports, undefined)
  assert.equal(postgres.network_mode, undefined)
  assert.deepEqual(postgres.networks, ['database'])
  assert.equal(compose.networks.database?.internal, true)
  assert.deepEqual(tempo.ports, ['7776:7776'])
})

test('there is no password until one is set', () => {
  const required = /^\$\{POSTGRES_PASSWORD:\?[^}]+\}$/
  assert.match(postgres.environment.POSTGRES_PASSWORD!, required)
  const url = /^postgres:\/\/(?<user>\w+):(?<password>[^@]+)@(?<host>\w+):5432\/(?<database>\w+)$/
  const { user, password, host, database } = tempo.environment.DATABASE_URL!.match(url)!.groups!
  assert.match(password!, required)
  assert.equal(user, postgres.environment.POSTGRES_USER)
  assert.equal(database, postgres.environment.POSTGRES_DB)
  assert.equal(host, 'postgres')
  assert.equal(postgres.environment.POSTGRES_HOST_AUTH_METHOD, undefined)
  assert.match(read('.gitignore'), /^\.env$/m)
})

test('both containers tell their health, and tempo waits for the database', () => {
  assert.equal(postgres.healthcheck?.test[1], 'pg_isready')
  assert.equal(tempo.depends_on?.postgres?.condition, 'service_healthy')
  assert.equal(tempo.healthcheck, undefined, 'the check of the image counts')
})

test('the health check of the image follows /health on the port that is set', async () => {
  const [command, ...args] = JSON.parse(instruction('HEALTHCHECK').replace(/^.* CMD /, ''))
  assert.equal(command, 'node')
  let status = 200
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? status : 404).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const check = async (): Promise<number> => {
    const child = spawn(process.execPath, args, { env: { TEMPO_PORT: String(port) }, stdio: 'ignore' })
    const [code] = await once(child, 'exit')
    return code
  }
  try {
    assert.equal(await check(), 0)
    status = 503
    assert.equal(await check(), 1)
  } finally {
    server.close()
  }
  assert.equal(await check(), 1)
})

test('what must survive is in named volumes', () => {
  assert.deepEqual(tempo.volumes, ['tempo-data:/data'])
  assert.deepEqual(postgres.volumes, ['postgres-data:/var/lib/postgresql/data'])
  assert.deepEqual(Object.keys(compose.volumes).sort(), ['postgres-data', 'tempo-data'])
  assert.match(instruction('ENV'), /TEMPO_DATA_DIR=\/data\b/)
})

test('tempo can change nothing but its data', () => {
  assert.equal(tempo.read_only, true)
  assert.deepEqual(tempo.tmpfs, ['/tmp'])
  assert.deepEqual(tempo.cap_drop, ['ALL'])
  for (const service of [tempo, postgres]) {
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    assert.equal(service.privileged, undefined)
  }
})

test('the image runs as node, and files of the server belong to root', () => {
  assert.equal(instruction('USER'), 'node')
  const copies = image.filter(({ name }) => name === 'COPY' || name === 'ADD')
  assert.ok(copies.length > 0)
  for (const { rest } of copies) assert.doesNotMatch(rest, /--chown/)
})

test('docker run serves, and docker exec finds tempo', () => {
  assert.deepEqual(JSON.parse(instruction('ENTRYPOINT')), ['tempo'])
  assert.deepEqual(JSON.parse(instruction('CMD')), ['serve'])
  const start = JSON.parse(read('package.json')).scripts.start as string
  assert.match(start, /^node --v8-pool-size=1 --max-semi-space-size=16 src\/tempo\.js serve$/)
  const run = `exec ${start.replace('src/', '/app/src/').replace(' serve', ' "$@"')}`
  assert.ok(instruction('RUN').includes(run), run)
  assert.match(instruction('RUN'), /exec node .+> \/usr\/local\/bin\/tempo /)
  assert.ok(read('README.md').includes(`/node_modules/.bin/${start}\n`), 'the unit of systemd')
  assert.equal(instruction('WORKDIR'), '/app')
  assert.equal(instruction('EXPOSE'), '7776')
})

test('the image gets all that it copies, and no tests, secrets or data', () => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(allowed.shift(), '*')
  assert.equal(allowed.pop(), '**/*.test.ts')
  const copies = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)]
  const copied = copies.flatMap(([, sources]) => sources!.split(' '))
  for (const path of copied) {
    assert.ok(allowed.includes(`!${path}`), `${path} is left out by .dockerignore`)
    assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), `${path} does not exist`)
  }
  for (const line of allowed)
    assert.match(line, /^!(package(-lock)?\.json|tsconfig\.json|LICENSE|drizzle|scores|src|web)$/)
})
