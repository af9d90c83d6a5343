import { OpenAPIHono, type z } from '@hono/zod-openapi'
import { invalidInput } from '../errors.ts'
import type { Env } from './guard.ts'

/**
 * A group of routes. A request that its schema refuses is answered as any other bad input is. `getPath` says which path
 * a request means, when that is not just what it asks for.
 */
export function createApi(getPath?: (request: Request) => string): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>({
    ...(getPath && { getPath }),
    defaultHook: (result) => {
      if (!result.success) throw invalidInput('request', fieldErrors(result.error as unknown as z.ZodError))
    },
  })
}

function fieldErrors(error: z.ZodError) {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not a field here' }))
      : [{ path: issue.path.join('.'), message: issue.message }],
  )
}
