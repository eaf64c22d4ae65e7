import {contentStoreContract} from '../contracts/content-store.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {openRegistry} from '../support/open-registry.js'
import {describeWith} from '../support/tools.js'

describeWith(['docker-registry'], 'the registry store', () => {
  contentStoreContract(
    'on docker-registry',
    async () => openRegistry((await startDockerRegistry()).address).store,
    {conditional: false, share: 0.15},
  )
})
