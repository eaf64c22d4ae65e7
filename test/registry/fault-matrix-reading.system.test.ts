import {describeMatrix} from '../support/fault-matrix/describe-matrix.js'

await describeMatrix(['K1', 'K2', 'K3', 'K4', 'K5', 'K6', 'K7', 'K8'])
