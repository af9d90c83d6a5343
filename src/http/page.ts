import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Context } from 'hono'
import { notFound } from '../errors.ts'

/** Where `npm run build` puts the page. */
export const PAGE_FOLDER = join(import.meta.dirname, '../../web/dist')

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/** Nothing from elsewhere, nothing inline: a title full of markup stays text, even if the page had a fault. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

type Asset = { type: string; plain: Uint8Array; brotli: Uint8Array; gzip: Uint8Array }

export type Page = {
  /** The page itself, for each of its addresses. */
  index: (c: Context) => Response
  /** A file of it, by its path below the folder; throws notFound. */
  file: (c: Context, path: string) => Response
  /** Files beside the page itself. */
  paths: string[]
}

/** Reads the built page into memory; null when it was never built. */
export function loadPage(basePath: string, folder = PAGE_FOLDER): Page | null {
  if (!existsSync(join(folder, 'index.html'))) return null
  const html = readFileSync(join(folder, 'index.html'), 'utf8')
  // The addresses in it are relative, and the page is shown at deeper ones, too.
  const index = assetOf('.html', Buffer.from(html.replace('<head>', `<head><base href="${basePath}/" />`)))
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'index.html')
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
  const assets = new Map(
    paths.map((path) => [path, assetOf(extname(path), readFileSync(join(folder, path)))]),
  )

  return {
    paths,
    index: (c) => {
      c.header('Content-Security-Policy', POLICY)
      c.header('Cache-Control', 'no-cache')
      return answer(c, index)
    },
    file: (c, path) => {
      const asset = assets.get(path)
      if (!asset) throw notFound(`The file ${path}`)
      // Names under assets/ change with the content.
      c.header(
        'Cache-Control',
        path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      )
      return answer(c, asset)
    },
  }
}

function assetOf(extension: string, plain: Uint8Array): Asset {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    plain,
    brotli: brotliCompressSync(plain, quality),
    gzip: gzipSync(plain),
  }
}

function answer(c: Context, asset: Asset): Response {
  const accepted = c.req.header('accept-encoding') ?? ''
  c.header('Content-Type', asset.type)
  c.header('Vary', 'Accept-Encoding')
  if (/\bbr\b/.test(accepted)) {
    c.header('Content-Encoding', 'br')
    return c.body(asset.brotli as Uint8Array<ArrayBuffer>)
  }
  if (/\bgzip\b/.test(accepted)) {
    c.header('Content-Encoding', 'gzip')
    return c.body(asset.gzip as Uint8Array<ArrayBuffer>)
  }
  return c.body(asset.plain as Uint8Array<ArrayBuffer>)
}
