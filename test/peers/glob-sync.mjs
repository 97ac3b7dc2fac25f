// The MCP conformance runner imports fs.globSync, which Node has from 22 on, for a command that is not used here.
import * as fs from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (isMainThread && !('globSync' in fs)) register(import.meta.url)

const source = `export * from 'node:fs'
export const globSync = () => { throw new Error('This Node has no fs.globSync') }`

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  const lacks = specifier === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/')
  return lacks
    ? { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true }
    : next(specifier, context)
}
