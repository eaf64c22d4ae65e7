// Loaded into the program by `node --import`: writes to the file that WATCH_BUNDLE names what came
// of the code cache, and which modules (and parts of Node) had been evaluated when the first
// connection was made, or at the end of a run without one. JSON.
import {writeFileSync} from 'node:fs'
import net from 'node:net'
import vm from 'node:vm'
import {isMainThread} from 'node:worker_threads'

/** @type {{cache: 'none' | 'used' | 'rejected', modules: string[], builtins: string[]}} */
const seen = {cache: 'none', modules: [], builtins: []}

vm.Script = class extends vm.Script {
  /**
   * @param {string} source
   * @param {vm.ScriptOptions} options
   */
  constructor(source, options) {
    super(source, options)
    if (options.cachedData) seen.cache = this.cachedDataRejected ? 'rejected' : 'used'
  }

  /**
   * The bundle, which is told that we hear of what is evaluated as well.
   *
   * @override
   */
  runInThisContext() {
    const bundle = super.runInThisContext()
    return (/** @type {unknown[]} */ ...parts) => {
      const evaluated = /** @type {(name: string) => void} */ (parts.pop())
      return bundle(...parts, (/** @type {string} */ name) => {
        seen.modules.push(name)
        evaluated(name)
      })
    }
  }
}

let isWritten = false
const write = () => {
  // @ts-expect-error Node's types do not have it
  seen.builtins = process.moduleLoadList
    .filter((/** @type {string} */ name) => name.startsWith('NativeModule '))
    .map((/** @type {string} */ name) => name.slice('NativeModule '.length))
  if (!isWritten) writeFileSync(process.env['WATCH_BUNDLE'] ?? '', JSON.stringify(seen))
  isWritten = true
}
const {connect} = net.Socket.prototype
net.Socket.prototype.connect = function (/** @type {unknown[]} */ ...given) {
  write()
  return Reflect.apply(connect, this, given)
}
// threads evaluate this file, too, and some of them have no environment
if (isMainThread) process.on('exit', write)
