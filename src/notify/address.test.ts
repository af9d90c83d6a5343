import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAllowedAddress } from './address.ts'

const PUBLIC = [
  '1.1.1.1',
  '203.0.113.9',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '64:ff9b::1.1.1.1',
  '2002:101:101::1',
  '::ffff:1.1.1.1',
]
const PRIVATE = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '::1',
  'fc00::1',
  'fdff::1',
  '198.18.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:10.0.0.1',
  '::127.0.0.1',
  '64:ff9b::10.0.0.1',
  '2002:c0a8:101::1',
  '64:ff9b:1::7f00:1',
  '2001:db8::5efe:10.0.0.1',
  '::ffff:0:192.168.0.1',
]
const NEVER = [
  '169.254.169.254',
  '169.254.0.1',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fd00:ec2::254',
  'FD00:0EC2:0:0:0:0:0:0254',
  '100.100.100.200',
  '0.0.0.0',
  '0.1.2.3',
  '::',
  '224.0.0.1',
  '239.255.255.255',
  '255.255.255.255',
  'ff02::1',
  '240.0.0.1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
  '64:ff9b:1::169.254.169.254',
  '2001:0:a9fe:a9fe::',
  '2001::5601:5601',
  '::ffff:0.0.0.0',
  '::ffff:100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
]
const NO_ADDRESS = ['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '1.2.3.4.5', '[::1]', '1.2.3.4/8']

test('public addresses are allowed', () => {
  for (const ip of PUBLIC) {
    assert.equal(isAllowedAddress(ip, { allowPrivate: false }), true, ip)
    assert.equal(isAllowedAddress(ip, { allowPrivate: true }), true, ip)
  }
})

test('private networks and this machine are allowed only on demand, in whatever form they are written', () => {
  for (const ip of PRIVATE) {
    assert.equal(isAllowedAddress(ip, { allowPrivate: false }), false, ip)
    assert.equal(isAllowedAddress(ip, { allowPrivate: true }), true, ip)
  }
})

test('metadata services, link-local, multicast and unspecified addresses are never allowed', () => {
  for (const ip of NEVER) assert.equal(isAllowedAddress(ip, { allowPrivate: true }), false, ip)
})

test('what is no address is not allowed', () => {
  for (const ip of NO_ADDRESS) assert.equal(isAllowedAddress(ip, { allowPrivate: true }), false, ip)
})
