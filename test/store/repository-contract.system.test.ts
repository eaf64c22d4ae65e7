import {contentStoreContract} from '../contracts/content-store.js'
import {openTestRoot} from '../support/root-fixtures.js'

contentStoreContract(
  'a repository of a root',
  async () => (await openTestRoot()).createRepository('a'),
  {conditional: true},
)
