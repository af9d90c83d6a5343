import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/storage/schema.ts', './src/storage/schema-backups.ts', './src/storage/schema-notify.ts'],
  out: './drizzle',
})
