import { Link } from 'wouter-preact'
import './segments.css'

type Segment = { label: string; href: string; isHere: boolean }

/** A few addresses of the same view, side by side. */
export function Segments({ label, items }: { label: string; items: Segment[] }) {
  return (
    <nav class="segments" aria-label={label}>
      {items.map(({ label: text, href, isHere }) => (
        <Link key={text} href={href} replace aria-current={isHere ? 'true' : undefined}>
          {text}
        </Link>
      ))}
    </nav>
  )
}
