import type { Command } from 'commander'

const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** The options of `tempo channel add`; channel-options.ts reads them. */
export function addOptions(command: Command): Command {
  return command
    .option('--name <name>', 'what to call it')
    .option('--min-severity <severity>', 'info, warning, error or critical (default: warning)')
    .option('--event <type>', 'event type such as backup_failed (repeatable; default: every event)', collect)
    .option('--match <name=value>', 'metadata that makes an event chosen, too (repeatable)', collect)
    .option('--provider <identifier>', 'only of this one and those below it (repeatable)', collect)
    .option('--node <name>', 'only of this node; * and ? stand for others (repeatable)', collect)
    .option('--no-resolved', 'do not tell the end of what was told')
    .option('--disabled', 'make it switched off')
    .option('--url <url>', 'address; of Slack, Teams and Discord it is a secret')
    .option('--url-file <path>', 'file that holds it; - is standard input')
    .option('--url-env <name>', 'variable that holds it')
    .option('--secret <text>', 'password, token, key, or what signs')
    .option('--secret-file <path>', 'file that holds it; - is standard input')
    .option('--secret-env <name>', 'variable that holds it')
    .option('--topic <name>', 'ntfy: topic')
    .option('--host <name>', 'email: mail server')
    .option('--port <number>', 'email: port (default: 587)')
    .option('--security <kind>', 'email: starttls, tls or none (default: starttls)')
    .option('--username <name>', 'email: user')
    .option('--from <address>', 'email: sender')
    .option('--to <address>', 'email: recipient (repeatable, or with commas)', collect)
    .option('--no-verify-certificate', 'email: take any certificate')
    .option('--method <method>', 'webhook: POST, PUT or PATCH (default: POST)')
    .option('--header <name: value>', 'webhook: header (repeatable)', collect)
    .option('--signature <kind>', 'webhook: standard, hmac or both (default: standard)')
    .option('--signature-header <name>', 'webhook: header of the hmac (default: X-Tempo-Signature)')
    .option('--set <field=value>', 'any other field, as in quietHours.from=22:00 (repeatable)', collect)
    .option('--json <path>', 'a JSON object with fields; - is standard input')
}
