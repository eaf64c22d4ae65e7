import {expect, it} from 'vitest'
import {createXattrWriter} from '../../../../src/layer/unpack/entries/write-xattrs.js'

it('W30 an access control list as text is not restored, which is said once, and the rest is', () => {
  const said: string[] = []
  const set: string[] = []
  const write = createXattrWriter((message) => said.push(message), {
    setAttributeSync: (path, name) => set.push(`${path} ${name}`),
  })
  const value = Buffer.from('user::rw-')
  for (const path of ['a', 'b'])
    write(
      path,
      new Map([
        ['SCHILY.acl.access', value],
        ['SCHILY.acl.default', value],
        ['user.kept', value],
      ]),
    )
  expect(set).toEqual(['a user.kept', 'b user.kept'])
  expect(said).toEqual([
    "some extended attributes are not unpacked, 'SCHILY.acl.access' for one: access control lists in text form are not restored",
  ])
})
