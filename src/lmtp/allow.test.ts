import { equal, match, ok } from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { allowNetworks, allowOwn, plainAddress } from './allow.ts'

for (const { networks, address, allowed } of [
  { networks: ['192.0.2.0/24'], address: '192.0.2.200', allowed: true },
  { networks: ['192.0.2.0/24'], address: '192.0.3.1', allowed: false },
  { networks: ['192.0.2.0/24'], address: '::ffff:192.0.2.1', allowed: true },
  { networks: ['192.0.2.7'], address: '192.0.2.7', allowed: true },
  { networks: ['192.0.2.7'], address: '192.0.2.8', allowed: false },
  { networks: ['2001:db8::/32', '10.0.0.0/8'], address: '2001:db8:1::1', allowed: true },
  { networks: ['2001:db8::/32', '10.0.0.0/8'], address: '10.1.2.3', allowed: true },
  { networks: ['2001:db8::/32'], address: '2001:db9::1', allowed: false },
  { networks: ['fe80::/10'], address: 'fe80::1%eth0', allowed: true },
  { networks: ['0.0.0.0/0'], address: '203.0.113.9', allowed: true },
  { networks: ['0.0.0.0/0'], address: 'words', allowed: false },
  { networks: [], address: '127.0.0.1', allowed: false },
]) {
  test(`[${networks.join(' ')}] ${allowed ? 'lets' : 'does not let'} ${address} in`, () => {
    const made = allowNetworks(networks)
    ok('allow' in made)
    equal(made.allow(address), allowed)
  })
}

for (const network of ['192.0.2.0/33', '2001:db8::/129', 'example.org', '192.0.2.0/24/8', '192.0.2.0/', '']) {
  test(`'${network}' is no network, and the words say what is`, () => {
    const made = allowNetworks([network])
    ok('mistake' in made)
    match(made.mistake, /192\.0\.2\.0\/24|from 0 to/)
  })
}

test('by default this machine may come in, and the relay', () => {
  const allow = allowOwn(['192.0.2.25'])
  for (const address of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1', '192.0.2.25'])
    ok(allow(address), address)
  for (const each of Object.values(networkInterfaces()).flat()) ok(allow(each?.address ?? ''))
  equal(allow('192.0.2.26'), false)
  equal(allow('2001:db8::1'), false)
})

test('a mapped address is the IPv4 address in it', () => {
  equal(plainAddress('::FFFF:192.0.2.1'), '192.0.2.1')
  equal(plainAddress('::ffff:c000:201'), '::ffff:c000:201')
  equal(plainAddress('2001:db8::1'), '2001:db8::1')
})
