/** @typedef {any} Node of the syntax tree, with its parent */

/**
 * A rule for eslint: every test asserts something. A test does when its function, or a function of
 * the same file that it calls, calls `expect` or `fc.assert`, or an imported function whose name
 * begins with `expect`.
 */
export const assertingTests = {
  meta: {type: 'problem', schema: []},
  /** @param {{sourceCode: {getText(node: Node): string}, report(problem: object): void}} context */
  create(context) {
    /**
     * Functions that are around the node that is looked at, the innermost last.
     *
     * @type {Node[]}
     */
    const around = []
    const asserting = new Set()
    /** Functions of the file by name, and for each function the names that it calls. */
    const named = new Map()
    const calls = new Map()
    /** @type {Node[]} */
    const tests = []

    /** @param {string} name */
    function noteCall(name) {
      for (const node of around) {
        if (/^expect/.test(name)) asserting.add(node)
        calls.set(node, [...(calls.get(node) ?? []), name])
      }
    }

    /**
     * @param {Node} node
     * @returns {boolean}
     */
    function isAsserting(node, seen = new Set()) {
      if (!node || seen.has(node)) return false
      seen.add(node)
      if (asserting.has(node)) return true
      return (calls.get(node) ?? []).some((/** @type {string} */ name) =>
        isAsserting(named.get(name), seen),
      )
    }

    return {
      /** @param {Node} node */
      ':function'(node) {
        around.push(node)
        const {parent} = node
        const name = node.id ?? (parent.type === 'VariableDeclarator' ? parent.id : parent.key)
        if (name?.type === 'Identifier') named.set(name.name, node)
      },
      ':function:exit'() {
        around.pop()
      },
      /** @param {Node} node */
      CallExpression(node) {
        const {callee} = node
        if (callee.type === 'Identifier') noteCall(callee.name)
        else if (callee.type === 'MemberExpression' && callee.property.type === 'Identifier')
          noteCall(
            context.sourceCode.getText(callee) === 'fc.assert' ? 'expect' : callee.property.name,
          )
        if (isTest(callee)) tests.push(node)
      },
      'Program:exit'() {
        for (const node of tests) {
          const body = node.arguments.findLast((/** @type {Node} */ {type}) =>
            /Function|^Identifier$/.test(type),
          )
          const work = body?.type === 'Identifier' ? named.get(body.name) : body
          if (work && !isAsserting(work))
            context.report({node: node.callee, message: 'this test asserts nothing'})
        }
      },
    }
  },
}

/** A rule for eslint: a title of many rows shows which row it is of (`%s`, `$name`). */
export const namedRows = {
  meta: {type: 'problem', schema: []},
  /** @param {{report(problem: object): void}} context */
  create: (context) => ({
    /** @param {Node} node */
    CallExpression({callee, arguments: [title]}) {
      if (callee.type !== 'CallExpression' || callee.callee.property?.name !== 'each') return
      if (title?.type !== 'Literal' || /%[sdifjo#$]|\$\w/.test(title.value)) return
      context.report({node: title, message: 'name the row in the title of its test: %s'})
    },
  }),
}

/**
 * Whether this is `it` or `test`, with what may come after it: `it.each(rows)`, `it.skipIf(x)`.
 *
 * @param {Node} callee
 * @returns {boolean}
 */
function isTest(callee) {
  if (callee.type === 'Identifier') return callee.name === 'it' || callee.name === 'test'
  if (callee.type === 'MemberExpression') return isTest(callee.object)
  return (
    (callee.type === 'CallExpression' && isTest(callee.callee)) ||
    (callee.type === 'TaggedTemplateExpression' && isTest(callee.tag))
  )
}
