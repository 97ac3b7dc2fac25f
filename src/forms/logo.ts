/** The logo of a client: served by the host, or drawn. Browsers never fetch one from a third party. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { escapeHtml } from '../pages/html'
import { clientBlock } from '../pages/page'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

/** Returns the path of an image that your app serves, such as `/logos/1.png`; undefined for no logo. */
export type Logo = (client: Client, req: Request) => Awaitable<string | undefined>

/** A path on this host: for a browser `//x` and `/\x` are other hosts. */
const path = /^\/(?![/\\])[\x21-\x7e]*$/

/** The path of a client's logo. Throws if the host's function returns another URL. */
export async function logoOf(
  { inTime }: AuthorizationServer,
  option: string,
  logo: Logo | undefined,
  ...[client, req]: Parameters<Logo>
): Promise<string | undefined> {
  const found: unknown = await (logo && inTime(option, logo(client, req)))
  if (found === undefined || (typeof found === 'string' && path.test(found))) return found
  const came = typeof found === 'string' ? 'another URL' : kindOf(found)
  throw misuse(
    'wrong_answer',
    `${option} must return a path of this host, such as '/logos/1.png', or undefined, not ${came}`,
  )
}

/** A client's logo or initial, beside `html`. */
export function logoBlock(name: string, logo: string | undefined, html: string): string {
  if (logo === undefined) return clientBlock(name, html)
  const image = `<img class="mark" src="${escapeHtml(logo)}" alt="" width="44" height="44" loading="lazy">`
  return `<div class="client">${image}${html}</div>`
}
