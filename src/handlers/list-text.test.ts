import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { teaList } from '../../test/support/post.ts'
import { filled, listValues } from './list-text.ts'

const values = listValues(teaList({ description: 'costs $$5, $listname' }))

for (const { title, text, expected } of [
  { title: 'a name is filled in', text: '$display_name <$listname>', expected: 'Tea <tea@lists.example.org>' },
  { title: 'braces end a name', text: `\${short_listname}s`, expected: 'teas' },
  { title: 'what was filled in is not looked at again', text: '$description', expected: 'costs $$5, $listname' },
  { title: 'a name that is not known stays', text: `$user_email \${user_name}`, expected: `$user_email \${user_name}` },
  { title: 'two dollars are one', text: '$$listname 5$', expected: '$listname 5$' },
  { title: 'names of objects are not names', text: '$constructor $__proto__', expected: '$constructor $__proto__' },
]) // biome-ignore format: a table
  test(`list text: ${title}`, () => equal(filled(text, values), expected))
