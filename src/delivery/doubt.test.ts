import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Doubt } from './doubt.ts'

test('a place is free again when all results before it are committed too', () => {
  const doubt = new Doubt<string>(10)
  doubt.admit(10)
  doubt.entered('a', 4)
  doubt.entered('b', 6)
  doubt.committed(doubt.of('b'))
  equal(doubt.count, 10)
  equal(doubt.hasRoomFor(1), false)
  doubt.committed(doubt.of('a'))
  equal(doubt.count, 0)
})

test('results that came in during a commit belong to the next one', () => {
  const doubt = new Doubt<string>(10)
  doubt.admit(7)
  doubt.entered('a', 4)
  const first = doubt.of('a')
  doubt.entered('a', 3)
  doubt.committed(first)
  equal(doubt.count, 3)
  doubt.committed(doubt.of('a'))
  equal(doubt.count, 0)
})

test('a page whose commit fails holds its own places and nobody else’s', () => {
  const doubt = new Doubt<string>(10)
  doubt.admit(10)
  doubt.entered('a', 4)
  const failing = doubt.of('a')
  doubt.entered('b', 6)
  doubt.committed(doubt.of('b'))
  doubt.stuck('a', true)
  equal(doubt.count, 4)
  doubt.committed(failing)
  doubt.stuck('a', false)
  equal(doubt.count, 0)
})

test('one transaction beyond the limit has room when nothing else is in doubt', () => {
  const doubt = new Doubt<string>(10)
  equal(doubt.hasRoomFor(500), true)
  doubt.admit(1)
  equal(doubt.hasRoomFor(10), false)
  equal(doubt.hasRoomFor(9), true)
})
