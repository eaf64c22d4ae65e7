import {describeOverlapped} from '../support/fault-matrix/describe-matrix.js'

await describeOverlapped(['K9', 'K10', 'K11', 'K13'])
