# Only what runs: no development packages, and no embedded PostgreSQL, because a container has one beside it (DATABASE_URL).
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

# The page, built by what is left behind with this stage.
FROM node:24-bookworm-slim AS page
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY src ./src
COPY web ./web
RUN node web/build.ts

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    TEMPO_DATA_DIR=/data
WORKDIR /app

# `tempo` for ENTRYPOINT and for `docker compose exec tempo tempo …`; exec makes node the process that gets the signals.
RUN printf '#!/bin/sh\nexec node --v8-pool-size=1 --max-semi-space-size=16 /app/src/tempo.js "$@"\n' > /usr/local/bin/tempo \
 && chmod 755 /usr/local/bin/tempo \
 && install --directory --owner=node --group=node --mode=0700 /data

# All of it belongs to root: the server runs as node and writes to /data only, also with a read-only root file system.
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY drizzle ./drizzle
COPY scores ./scores
COPY src ./src
COPY --from=page /app/web/dist ./web/dist

USER node
VOLUME ["/data"]
EXPOSE 7776
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TEMPO_PORT || 7776}/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tempo"]
CMD ["serve"]
