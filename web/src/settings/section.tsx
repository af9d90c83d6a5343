import type { ComponentChildren } from 'preact'

type SectionProps = {
  title: string
  about: ComponentChildren
  tools?: ComponentChildren
  children: ComponentChildren
}

/** A part of the settings: what it is for in a sentence, and its contents. */
export function Section({ title, about, tools, children }: SectionProps) {
  return (
    <section class="section" aria-label={title}>
      <header class="section-head">
        <div>
          <h2>{title}</h2>
          <p class="soft small">{about}</p>
        </div>
        {tools && <div class="section-tools">{tools}</div>}
      </header>
      {children}
    </section>
  )
}
