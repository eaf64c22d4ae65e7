import {inject} from 'vitest'

const memory = inject('memory')
if (memory !== undefined) process.env['TMPDIR'] = memory
