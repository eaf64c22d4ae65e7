// Goes once through everything that writes in a site, in one order: to be killed at any of its
// system calls.
import {createMemoryStore} from '../../src/store/memory-store.js'
import {publishFrom, putIndexOver, putText, unpublish} from './site.js'

const site = process.argv[2] ?? ''
const store = createMemoryStore()
await putText(store, 'old layer', {tag: 'old'})
const child = await putText(store, 'new layer')
const signature = await putText(store, 'signature', {members: {subject: child}})
await putIndexOver(store, [child], 'new')
await putIndexOver(store, [signature], `sha256-${child.digest.slice(7)}`)
await publishFrom(store, site, {from: 'old', tags: ['v1']})
await publishFrom(store, site, {from: 'new', tags: ['v1', 'v2'], referrers: true})
await publishFrom(store, site, {from: 'old', name: 'other/name'})
await unpublish(`${site}/team/app`, {untagged: true})
await unpublish(`${site}/team/app:v2`)
await unpublish(`${site}/other/name:old`)
