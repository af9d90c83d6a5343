import { eventually } from './server.ts'

// biome-ignore lint/suspicious/noExplicitAny: events and stacks alike.
export type Message = { event: string; data: any; id: string | null }

/** What a browser's EventSource would do, without coming back by itself. */
export type EventStream = {
  response: Response
  messages: Message[]
  /** Id to resume after. */
  lastId: () => string | null
  /** The first message that is wanted, also of those that came before. */
  wait: (wanted: (message: Message) => boolean) => Promise<Message>
  /** Resolves when the server has ended it, or the connection is gone. */
  ended: Promise<void>
  close: () => Promise<void>
}

/** Reads server-sent events (HTML Standard, 9.2.6) from `url` until it is closed. */
export async function openEventStream(
  url: string,
  token: string,
  lastEventId: string | null = null,
): Promise<EventStream> {
  const controller = new AbortController()
  const response = await fetch(url, {
    headers: { 'X-Tempo-Token': token, ...(lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }) },
    signal: controller.signal,
  })
  const messages: Message[] = []
  let lastId = lastEventId

  async function read(): Promise<void> {
    let rest = ''
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const message = parse(block)
        if (message.id !== null) lastId = message.id
        if (message.data !== undefined) messages.push(message)
      }
    }
  }
  const ended = response.ok ? read().catch(() => {}) : Promise.resolve()

  return {
    response,
    messages,
    lastId: () => lastId,
    wait: (wanted) => eventually(() => messages.find(wanted), 10_000),
    ended,
    close: async () => {
      controller.abort()
      await ended
    },
  }
}

function parse(block: string): Message {
  const message: Message = { event: 'message', data: undefined, id: null }
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w*): ?(.*)$/.exec(line) ?? []
    if (name === 'event') message.event = value!
    if (name === 'id') message.id = value!
    if (name === 'data') message.data = JSON.parse(value!)
  }
  return message
}
