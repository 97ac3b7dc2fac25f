/** The library and the harness on either Express: `describe.each(frameworks)('… on %s', (_, { createHost, oauth }) => …)`. */
import type expressValue from 'express'
import type * as oauthModule from '../../src/index'
import type * as hostModule from './host'

export interface Framework {
  express: typeof expressValue
  oauth: typeof oauthModule
  createHost: typeof hostModule.createHost
}

/** Loads everything that imports `express` anew, with `express` being that package. */
function load(name: 'express' | 'express4'): Framework {
  let framework: Framework | undefined
  jest.isolateModules(() => {
    jest.doMock('express', () => jest.requireActual(name))
    framework = {
      express: require('express'),
      oauth: require('../../src/index'),
      createHost: require('./host').createHost,
    }
  })
  return framework as Framework
}

export const frameworks: [string, Framework][] = [
  ['Express 5', load('express')],
  ['Express 4', load('express4')],
]
