import './../style/parts.css'

export type BandName = 'ok' | 'info' | 'warning' | 'error' | 'critical'

/** A shape for each band, so that colour is never the only sign. */
const SHAPES: Record<BandName, string> = {
  ok: 'M1.5 6.5 4.5 9.5 10.5 2.5 9.2 1.4 4.4 7 2.7 5.3Z',
  info: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z',
  warning: 'M6 .8 11.6 11H.4Z',
  error: 'M1 1h10v10H1Z',
  critical: 'M6 0 12 6 6 12 0 6Z',
}

export function BandShape({ band }: { band: BandName }) {
  return (
    <svg class="badge-shape" viewBox="0 0 12 12" aria-hidden="true">
      <path d={SHAPES[band]} />
    </svg>
  )
}

/** The score's label in the colour and shape of its band. */
export function Badge({ band, label }: { band: BandName; label: string }) {
  return (
    <span class="badge foreign" data-band={band}>
      <BandShape band={band} />
      {label}
    </span>
  )
}
