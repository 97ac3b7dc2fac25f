/** A browser without a screen: cookies, links, redirects and forms over real HTTP, and nothing that a script would do. */
import { later } from '../support/later'

export interface Page {
  url: string
  status: number
  headers: Headers
  text: string
  /** Where the server sends the browser next. */
  location: string | undefined
}

export function openBrowser(fetch: typeof globalThis.fetch = globalThis.fetch) {
  // one jar for all: cookies know hosts, not ports (RFC 6265 §8.5), and every server here is on 127.0.0.1
  const cookies = new Map<string, string>()

  async function send(url: string, form?: URLSearchParams, headers: Record<string, string> = {}): Promise<Page> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { Accept: 'text/html', ...(cookie && { Cookie: cookie }), ...headers },
      ...(form && { method: 'POST', body: form }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (name !== undefined && value !== undefined) cookies.set(name, value)
    }
    const location = response.headers.get('location')
    return {
      url,
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, url).href,
    }
  }

  const browser = {
    cookies,
    /** Opens a URL and goes no further. */
    get: (url: string): Promise<Page> => send(url),
    /** Goes on while the server sends the browser to another page, but never beyond `within`. */
    async follow(page: Page, within = ''): Promise<Page> {
      const { location } = page
      return location?.startsWith(within) ? browser.follow(await browser.get(location), within) : page
    },
    /**
     * Sends the form of a page, to the page's own URL, with its hidden fields and by the button of that name, as somebody
     * does who has looked at it.
     */
    async submit(page: Page, button: string, fields: Record<string, string> = {}): Promise<Page> {
      later(0.5)
      const form = new URLSearchParams([...hiddenFields(page), ...buttonOf(page, button), ...Object.entries(fields)])
      return send(page.url, form, { Origin: new URL(page.url).origin })
    },
    /** A POST from a page of another site, or from anywhere else. */
    post: (url: string, fields: Record<string, string>, headers: Record<string, string>): Promise<Page> =>
      send(url, new URLSearchParams(fields), headers),
    /** Through sign-in (where it is asked for) and consent of the quickstart: the URL at the client. */
    async authorize(url: string, { button = 'Allow', username = 'ada', password = 'analytical engine' } = {}) {
      const { origin } = new URL(url)
      const toAuthorize = `${origin}/oauth2/authorize`
      let page = await browser.follow(await browser.get(url), origin)
      if (page.text.includes('>Sign in</button>')) {
        const back = await browser.submit(page, 'Sign in', { username, password })
        page = await browser.follow(back, toAuthorize)
      }
      const answer = await browser.submit(page, button)
      // a server in a process of its own knows of no time that has passed here: too soon, and once more
      const { status, location, text } = answer.location === undefined ? await browser.submit(answer, button) : answer
      if (location === undefined) throw new Error(`The server did not go on: ${status} ${text}`)
      return location
    },
  }
  return browser
}

function hiddenFields({ text }: Page): [string, string][] {
  const fields = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  return [...fields].map(([, name = '', value = '']) => [unescapeHtml(name), unescapeHtml(value)])
}

/** The name and value that a button adds to the form; most have none. */
function buttonOf({ status, text }: Page, label: string): [string, string][] {
  const button = [...text.matchAll(/<button([^>]*)>([^<]*)<\/button>/g)].find(([, , words]) => words === label)
  if (!button) throw new Error(`There is no button ${label}: ${status} ${text}`)
  const [, name, value] = / name="([^"]*)" value="([^"]*)"/.exec(button[1] ?? '') ?? []
  return name === undefined || value === undefined ? [] : [[name, value]]
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

function unescapeHtml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] as string)
}
