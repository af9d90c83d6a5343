/** The least that a receiver does, on `node:http`: reads the body, parses it, answers 202. The argument is the port. */
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.end('ready')
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { title } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    response.writeHead(title ? 202 : 422, { 'Content-Type': 'application/json' })
    response.end('{"accepted":true}')
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
