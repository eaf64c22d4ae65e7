// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import {parentPort} from 'node:worker_threads'
import {compareSync} from 'bcryptjs'

parentPort?.on('message', ({id, password, hash, decoys}) => {
  const isRight = hash !== undefined && compareSync(password, hash)
  // a wrong password takes as long with a cheap hash as with the dearest
  if (!isRight) for (const decoy of decoys) compareSync(password, decoy)
  parentPort?.postMessage({id, isRight})
})
