// posthorn round-trip: the server's part of `doctor --deep`, which calls it and puts what it says into words. One line of
// JSON for each thing that happens.
import { domainToTry, roundTripSite } from '../../app/round-trip-site.ts'
import { SECOND } from '../../base/clock.ts'
import { roundTrip } from '../../hookup/deep/round-trip.ts'
import { defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'
import type { RoundTripLine } from '../round-trip-words.ts'

export const roundTripCommand = defineCommand({
  name: 'round-trip',
  summary: 'Send a trial post round the loop (doctor --deep)',
  about: "  The server's part of 'posthorn doctor --deep'; a line of JSON for each hop.",
  examples: [],
  options: {
    domain: { kind: 'one', value: 'DOMAIN', help: 'The domain to go through.' },
    wait: { kind: 'one', value: 'SECONDS', help: 'How long to wait for each hop; 30 unless given.' },
    'mail-server': { kind: 'one', value: 'NAME', help: 'Whose commands to name where a hop does not come.' },
  },
  args: {},
  async run({ services, server, out, signal }, { domain: name, wait: text, 'mail-server': mailServer }) {
    const seconds = Number(text ?? '30')
    if (!(seconds >= 1 && seconds <= 120))
      throw new UsageFault(`Invalid value for --wait: '${text}' is no number from 1 to 120.`)
    const say = (line: RoundTripLine): void => out.line(JSON.stringify(line))
    const domain = domainToTry(services, name)
    if (domain === null) {
      const words = name === null ? 'there is no domain yet' : `there is no domain ${name}`
      say({
        kind: 'cannot',
        words: `${words}: posthorn domain add ${name ?? 'lists.example.org'} --list-only`,
      })
      return EX.ok
    }
    const wait = seconds * SECOND
    const site = await roundTripSite(services, (advise) => server.publish(advise), wait)
    say({ kind: 'begun', domain: domain.mailHost, through: `${site.relay.host}:${site.relay.port}` })
    for await (const news of roundTrip(site, { domain, wait, mailServer }, signal)) say(news)
    return EX.ok
  },
  async withoutServer({ out }) {
    const words = 'a round trip needs the server, which does not run: posthorn start'
    out.line(JSON.stringify({ kind: 'cannot', words } satisfies RoundTripLine))
    return EX.ok
  },
})
