#!/usr/bin/env -S node --import tsx
// oclif would look for the sources by itself, but cannot register tsx: so it is told where they are
const {join} = require('node:path')
const {execute, settings} = require('@oclif/core')
const pjson = require('../package.json')

settings.enableAutoTranspile = false
const sources = {
  commands: './commands',
  helpClass: './src/cli/help.ts',
  hooks: {command_not_found: './src/cli/command-not-found.ts'},
}
void execute({
  development: true,
  loadOptions: {
    root: join(__dirname, '..'),
    ignoreManifest: true,
    pjson: {...pjson, oclif: {...pjson.oclif, ...sources}},
  },
})
