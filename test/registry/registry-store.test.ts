import {execa} from 'execa'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {startDockerRegistry, registryUser} from '../support/docker-registry.js'
import {collect, largeChunks, openRegistry, sourceOf} from '../support/open-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

describe.each(['anonymous', 'htpasswd'] as const)('%s', (kind) => {
  describeWith(['docker-registry', 'skopeo'], 'the store on docker-registry', () => {
    const start = async () => {
      const {address} = await startDockerRegistry(kind === 'htpasswd' ? {auth: kind} : {})
      const {store} = openRegistry(address, kind === 'htpasswd' ? {credentials: registryUser} : {})
      return {address, store}
    }
    it('smoke', async () => {
      const {store} = await start()
      const put = await store.putBlob(sourceOf('hello'))
      expect(put).toEqual({digest: digestOf(Buffer.from('hello')), size: 5, written: true})
      expect(await store.putBlob(sourceOf('hello'))).toMatchObject({written: false})
      expect((await collect(await store.openBlob(put))).toString()).toBe('hello')
      const large = await store.putBlob(sourceOf(...largeChunks()))
      expect(large.size).toBe(9 * 1024 * 1024)
      expect(digestOf(await collect(await store.openBlob(large)))).toBe(large.digest)
      expect(await Array.fromAsync(store.listTags())).toEqual([])
      ;(void execa, tempDir)
    })
  })
})
