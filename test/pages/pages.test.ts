// The pages that the library shows: their language, words and look, and what a host may change about them.
import {
  type AuthorizationServerOptions,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  type PagesOptions,
  type PageTexts,
} from '../../src'
import { english } from '../../src/pages/english'
import { german } from '../../src/pages/german'
import { placeholdersOf } from '../../src/pages/html'
import { spanish } from '../../src/pages/spanish'
import { createHost, type Host, type HostOptions, paths } from '../support/host'

let host: Host

async function begin(pages?: PagesOptions, options: HostOptions = {}): Promise<void> {
  const decide = consentPage({ signIn: '/login' })
  host = await createHost({ decide, ...(pages && { pages }), ...options })
}

/** The language and the title of the consent page. */
async function languageOf(acceptLanguage?: string, uiLocales?: string): Promise<string> {
  const sent = host.authorize(host.web, { ui_locales: uiLocales })
  if (acceptLanguage !== undefined) sent.set('Accept-Language', acceptLanguage)
  return /<html lang="([^"]*)"/.exec((await sent.expect(200)).text)?.[1] ?? ''
}

const errorAt = (query = 'client_id=nobody', headers: Record<string, string> = {}) =>
  host.http().get(`${paths.authorize}?${query}`).set(headers)

/** Every text of a language with a mark, as a host would write a whole language of its own. */
const invented = Object.fromEntries(
  Object.entries(english).map(([name, text]) => [name, `${text} «eo»`]),
) as unknown as PageTexts

describe('the language of a page', () => {
  beforeEach(() => begin())

  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['fr', 'en'],
    ['de', 'de'],
    ['de-AT, en;q=0.5', 'de'],
    ['fr, es;q=0.8, en;q=0.9', 'en'],
    ['es-419', 'es'],
    ['en;q=0, de;q=0.1', 'de'],
    ['"\'><script>', 'en'],
    ['de;q=x, ,;;;=', 'en'],
  ])('is, for Accept-Language %p, %s', async (header, language) => {
    expect(await languageOf(header)).toBe(language)
  })

  it.each([
    ['de', 'de'],
    ['es-MX en', 'es'],
    ['fr-CA fr de', 'de'],
    ['DE-de-1996', 'de'],
    ['fr', 'es'],
    ['xx"<b>', 'es'],
    ['-', 'es'],
    ['__proto__ constructor', 'es'],
  ])('is, where the client asks for ui_locales %p, %s', async (uiLocales, language) => {
    expect(await languageOf('es', uiLocales)).toBe(language)
  })

  it('is one of the languages that the host names, the first for everybody else', async () => {
    await begin({ languages: ['de'] })
    expect(await languageOf('es, en')).toBe('de')
    await begin({ languages: ['es', 'en'] })
    expect([await languageOf('de'), await languageOf('en'), await languageOf()]).toEqual(['es', 'en', 'es'])
  })

  it('changes every word of the page', async () => {
    const { text } = await host.authorize().set('Accept-Language', 'de').expect(200)
    expect(text).toContain('Darf <strong>web</strong> Ihr Konto verwenden?')
    expect(text).toContain('>Ablehnen</button>')
    expect(text).toContain('>Erlauben</button>')
    expect(text).not.toMatch(/Allow|Deny|Signed in/)
  })

  it('is that of error pages, too', async () => {
    const { text } = await errorAt('client_id=nobody', { 'Accept-Language': 'de' }).expect(400)
    expect(text).toContain('<html lang="de">')
    expect(text).toContain(german.errorTitle)
    for (const query of ['client_id=nobody&ui_locales=es', 'ui_locales=es&client_id=nobody']) {
      expect((await errorAt(query).expect(400)).text).toContain(spanish.errorTitle)
    }
  })

  it.each([
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['text/html,application/json;q=0.9', 'text/html; charset=utf-8'],
    ['application/json,text/html;q=0.9', 'application/json'],
    ['application/*', 'application/json'],
    ['image/png', 'text/html; charset=utf-8'],
  ])('is that of no page where the request prefers JSON: Accept %s', async (accept, type) => {
    expect((await errorAt('client_id=nobody', { Accept: accept }).expect(400)).headers['content-type']).toBe(type)
  })

  it('reaches a page that the host renders', async () => {
    await begin(undefined, { decide: consentPage({ signIn: '/login', render: ({ language }) => language }) })
    expect((await host.authorize().set('Accept-Language', 'de').expect(200)).text).toBe('de')
  })
})

describe.each(Object.entries({ de: german, es: spanish }))('the texts that are shipped in %s', (_, texts) => {
  it.each(Object.entries(english))('have %s, with the placeholders of the English text', (name, text) => {
    const translated = texts[name as keyof PageTexts] as string
    expect(placeholdersOf(translated)).toEqual(placeholdersOf(text))
    expect(translated).not.toBe(text)
  })
})

describe('texts of the host', () => {
  it('replace those that are shipped, one by one', async () => {
    await begin({ texts: { en: { allow: 'Go ahead', consentTitle: 'May {client} come in?' } } })
    const { text } = await host.authorize().expect(200)
    expect(text).toContain('May <strong>web</strong> come in?')
    expect(text).toContain('<title>May web come in?')
    expect(text).toContain('>Go ahead</button>')
    expect(text).toContain('>Deny</button>')
  })

  it('make a language of its own', async () => {
    await begin({ texts: { eo: invented } })
    expect(await languageOf('eo, en;q=0.1')).toBe('eo')
    expect((await host.authorize().set('Accept-Language', 'eo')).text).toContain('Allow «eo»</button>')
    expect(await languageOf('de')).toBe('de')
  })

  it('are written from right to left where they say so', async () => {
    await begin({ texts: { ar: { ...invented, dir: 'rtl' } } })
    expect((await host.authorize().set('Accept-Language', 'ar')).text).toContain('<html lang="ar" dir="rtl">')
    expect((await host.authorize()).text).toContain('<html lang="en">')
  })

  it('translate scopes; those they do not name are in the words of the scopes option', async () => {
    await begin({ texts: { de: { scopes: { read: 'Ihre Daten sehen' } } } })
    const { text } = await host.authorize().set('Accept-Language', 'de').expect(200)
    expect(text).toContain('Ihre Daten sehen')
    expect(text).toContain('Change your data')
    expect((await host.authorize().expect(200)).text).toContain('See your data')
  })

  it('are text, never markup', async () => {
    await begin({ name: '<b>&', texts: { en: { allow: '<i>yes</i>', consentTitle: '<s>{client}</s>' } } })
    const { text } = await host.authorize().expect(200)
    expect(text).not.toMatch(/<[bis]>/)
    expect(text).toContain('&lt;s&gt;<strong>web</strong>&lt;/s&gt;')
  })

  it('fill in a name once, whatever is in it', async () => {
    await begin()
    const client = await host.register({ clientId: 'odd', name: '{user} $& {client} <b>' })
    const { text } = await host.authorize(client).expect(200)
    expect(text).toContain('<strong>{user} $&amp; {client} &lt;b&gt;</strong>')
  })
})

describe('the look', () => {
  const styleOf = ({ text }: { text: string }) => /<style>([^<]*)<\/style>/.exec(text)?.[1] ?? ''

  it('is that of the theme, and the policy admits exactly this style (CSP)', async () => {
    const theme = { light: { accent: '#0f766e', onAccent: 'rgb(255 255 255 / 90%)' }, dark: { card: 'black' } }
    await begin({ theme: { ...theme, font: "'Inter', sans-serif", radius: '4px' } })
    const answer = await host.authorize().expect(200)
    const style = styleOf(answer)
    for (const part of ['--accent:#0f766e', '--on-accent:rgb(255 255 255 / 90%)', '--card:black', '--radius:4px']) {
      expect(style).toContain(part)
    }
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
    const hash = Buffer.from(digest).toString('base64')
    expect(answer.headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'`,
    )
    expect(answer.text).not.toMatch(/ style=/)
  })

  const iconOf = ({ text }: { text: string }) => {
    const [, encoded = ''] = /<link rel="icon" href="data:image\/svg\+xml;base64,([^"]+)">/.exec(text) ?? []
    return Buffer.from(encoded, 'base64').toString()
  }

  it('has an icon in the colours of the theme, so that no browser asks the host for /favicon.ico', async () => {
    await begin({ name: 'example shop', theme: { light: { accent: '#0f766e' } } })
    for (const page of [await host.authorize().expect(200), await errorAt().expect(400)]) {
      expect(iconOf(page)).toMatch(/fill="#0f766e".* fill="#fff">E<\/text>/)
    }
  })

  it.each([
    ['<b>', '&lt;'],
    ['', ''],
    ['\ud800', '\ufffd'],
  ])('has an icon for any name: %j', async (name, initial) => {
    await begin({ name })
    expect(iconOf(await host.authorize().expect(200))).toContain(`>${initial}</text></svg>`)
  })

  it('shows a client by its initial', async () => {
    await begin()
    for (const [name, initial] of [
      ['  notes', 'N'],
      ['\u{1d4b6}pp', '\u{1d4b6}'],
    ]) {
      const client = await host.register({ name: name as string })
      expect((await host.authorize(client)).text).toContain(`<span class="mark" aria-hidden="true">${initial}</span>`)
    }
  })

  it('is the same on error pages, under the same headers', async () => {
    await begin({ name: 'Example Shop' })
    const [page, error] = [await host.authorize().expect(200), await errorAt().expect(400)]
    expect(styleOf(error)).toBe(styleOf(page))
    for (const name of ['content-security-policy', 'cache-control', 'x-frame-options', 'referrer-policy']) {
      expect(error.headers[name]).toBe(page.headers[name])
    }
    for (const { text } of [page, error]) expect(text).toContain('<bdi>Example Shop</bdi>')
  })

  it('has the name of the host, where it has no other', async () => {
    await begin()
    expect((await host.authorize().expect(200)).text).toContain('<bdi>auth.example.com</bdi>')
  })
})

describe('an error page', () => {
  beforeEach(() => begin())

  it('says what happened and what to do, and the code for the makers of the app', async () => {
    const { text } = await errorAt().expect(400)
    expect(text).toContain(`<h1>${english.errorTitle}</h1>`)
    expect(text).toContain('try again')
    expect(text).toContain('<code>invalid_client</code>: No client has this id.')
  })

  it('says of a failure of the server that it is not the fault of the user, and nothing of its cause', async () => {
    host.storage.replace('clients.find', () => {
      throw new Error('connect ECONNREFUSED 10.0.0.7:5432')
    })
    const { text } = await errorAt().expect(503)
    expect(text).toContain(`<h1>${english.failureTitle}</h1>`)
    expect(text).not.toMatch(/10\.0\.0\.7|ECONN|node_modules|Error:/)
  })

  it('has nothing of the request in it', async () => {
    const { text } = await errorAt('client_id=%3Cscript%3Ealert(1)%3C/script%3E&ui_locales=%22%3E%3Cb%3E').expect(400)
    expect(text).not.toContain('alert(1)')
    expect(text).not.toContain('<b>')
  })
})

describe('pages options that are wrong', () => {
  const { farewell, ...incomplete } = { ...invented, farewell: 'x' }
  const wrong: [string, unknown, string][] = [
    ['an unknown option', { title: 'x' }, 'Unknown pages option title; there are name, languages, texts, theme'],
    ['a name that is no string', { name: 7 }, 'pages.name must be a string'],
    ['no language', { languages: [] }, 'pages.languages must be a list'],
    ['a language that is no tag', { languages: ['"><b>'] }, 'must be a BCP 47 tag'],
    ['a language with something in front', { languages: ['-en'] }, 'must be a BCP 47 tag'],
    ['a language with something behind', { languages: ['en-GB '] }, 'must be a BCP 47 tag'],
    ['a language that is no text', { languages: [7] }, 'must be a BCP 47 tag'],
    ['a language with half a subtag', { languages: ['en-a'] }, 'must be a BCP 47 tag'],
    ['a language without texts', { languages: ['fr'] }, 'pages.texts.fr.consentTitle must be a text with {client}'],
    ['an unknown text', { texts: { eo: { ...incomplete, farewell } } }, 'Unknown text pages.texts.eo.farewell'],
    ['a text that is no string', { texts: { en: { allow: 1 } } }, 'pages.texts.en.allow must be a text, such as'],
    ['an empty text', { texts: { en: { allow: '' } } }, 'pages.texts.en.allow must be a text'],
    ['a text without its name', { texts: { en: { goesOnTo: 'Go on' } } }, 'goesOnTo must be a text with {host}'],
    ['a text with another name', { texts: { en: { keep: '{client}' } } }, 'pages.texts.en.keep must be a text'],
    ['a direction', { texts: { en: { dir: 'up' } } }, "pages.texts.en.dir must be 'ltr' or 'rtl'"],
    [
      'a scope that is no text',
      { texts: { en: { scopes: { read: 1, write: 'Change it' } } } },
      'pages.texts.en.scopes must be',
    ],
    ['an unknown theme member', { theme: { colour: 'red' } }, 'Unknown pages.theme member colour'],
    ['an unknown colour', { theme: { light: { glow: 'red' } } }, 'Unknown pages.theme.light member glow'],
    ['no colour', { theme: { dark: { text: 'url(//evil.example)' } } }, 'pages.theme.dark.text must be a CSS colour'],
    ['a colour that ends the style', { theme: { light: { text: '</style>' } } }, 'must be a CSS colour'],
    ['a colour that ends its rule', { theme: { light: { text: 'red}*{display:none' } } }, 'must be a CSS colour'],
    ['a font that ends its rule', { theme: { font: 'x;}' } }, 'pages.theme.font must be a font list'],
    ['a radius that is no length', { theme: { radius: '1' } }, 'pages.theme.radius must be a length'],
  ]
  it.each(wrong)('throw at start-up: %s', (_, pages, message) => {
    const options = { issuer: 'https://auth.example.com', storage: memoryStorage(), scopes: [], pages }
    expect(() => createAuthorizationServer(options as AuthorizationServerOptions)).toThrow(message)
  })
})
