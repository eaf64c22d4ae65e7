import {join} from 'node:path'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {contentStoreContract} from '../contracts/content-store.js'
import {tempDir} from '../support/temp-dir.js'

contentStoreContract(
  'an OCI image layout',
  async () => openLayoutStore(join(await tempDir(), 'layout'), {create: true}),
  {conditional: true},
)
