import { CopyButton } from '../parts/copy.tsx'
import type { Connected } from './connect.tsx'

type Setup = Connected['setup']

/** What to paste on a node. */
export function ConnectLines({ setup }: { setup: Setup }) {
  const { commands, form, target } = setup
  const steps = [
    {
      title: 'Add the target',
      text: `Makes a ${target === 'webhook' ? 'webhook' : 'Gotify'} target that sends here; the token is in it.`,
      command: commands.create,
    },
    {
      title: 'Send everything to it',
      text: 'Names it in the matcher that gets every notification, beside the mail to root.',
      command: commands.matcher,
    },
    {
      title: 'Send a test',
      text: 'Lets Proxmox send one test notification, which arrives below.',
      command: commands.test,
    },
  ]
  const whole = steps.map(({ command }) => command).join('\n')
  return (
    <div class="connect-lines">
      <p class="warning-box">
        <strong>Shown this once.</strong> The commands hold the token. Run them in a root shell of{' '}
        {form.place.startsWith('Datacenter') ? 'any node of the cluster' : 'the backup server'} now, or make
        others later.
      </p>
      <ol class="steps">
        {steps.map(({ title, text, command }, index) => (
          <li class="card step" key={title}>
            <header>
              <h3>
                <span class="step-number" aria-hidden="true">
                  {index + 1}
                </span>
                {title}
              </h3>
              <CopyButton text={command} class="small" what={`Copied: ${title.toLowerCase()}`} />
            </header>
            <p class="soft small">{text}</p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
            <pre class="code" tabIndex={0}>
              {command}
            </pre>
          </li>
        ))}
      </ol>
      <div>
        <CopyButton text={`${whole}\n`} label="Copy all three" what="All commands copied" />
      </div>
    </div>
  )
}

/** The same for those who rather type it in the web interface, and what is good to know. */
export function ConnectMore({ setup: { form, notes } }: { setup: Setup }) {
  return (
    <div class="connect-lines">
      <details class="card connect-form">
        <summary>Rather type it in the web interface</summary>
        <p>
          <strong>{form.place}</strong>
        </p>
        <dl class="form-fields">
          {form.fields.map(({ label, value }) => (
            <div key={label}>
              <dt class="small soft">{label}</dt>
              <dd>
                <pre class="code">{value}</pre>
                <CopyButton text={value} class="small" what={`Copied: ${label}`} />
              </dd>
            </div>
          ))}
        </dl>
        <p class="small soft">
          Then edit <code>default-matcher</code> and tick the new target, and press Test.
        </p>
      </details>
      <div class="notes small">
        <h3>Good to know</h3>
        <ul>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      </div>
    </div>
  )
}
