/** Builds the page into web/dist; run by `npm ci` and `npm run build`. */
import { fileURLToPath } from 'node:url'

const configFile = fileURLToPath(new URL('vite.config.ts', import.meta.url))

try {
  const { build } = await import('vite')
  await build({ configFile, logLevel: 'warn' })
} catch (error) {
  // Only what runs was installed: then whoever did so brings the built page along.
  if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
  console.warn('The page was not built: vite is not installed.')
}
