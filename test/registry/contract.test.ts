import {startDockerRegistry} from '../support/docker-registry.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {openRegistry} from '../support/open-registry.js'
import {describeWith} from '../support/tools.js'
import {contentStoreContract} from '../contracts/content-store.js'

describeWith(['docker-registry'], 'a registry that knows no conditions', () => {
  const makeStore = async () => openRegistry((await startDockerRegistry()).address).store
  contentStoreContract('docker-registry', makeStore, {conditional: false, runs: 50})
})

const makeConditional = async () => {
  const server = await startFakeServer(createFakeRegistry({conditions: true}).handler)
  return openRegistry(server.address).store
}
contentStoreContract('a registry that knows conditions', makeConditional, {conditional: true})
