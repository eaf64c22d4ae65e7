#!/usr/bin/env -S node --import tsx
const {join} = require('node:path')
const {execute} = require('@oclif/core')

void execute({development: true, dir: join(__dirname, '..')})
