/** Where an authorization response stands: OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode. */

/** In the query or the fragment of the redirect URI, or in a form that the browser posts there. */
export type ResponseMode = 'query' | 'fragment' | 'form_post'

/** The modes that a client may ask for, by the one of its response type: a token is never in a query (§3.0). */
export function responseModes(usual: 'query' | 'fragment'): readonly ResponseMode[] {
  return usual === 'query' ? ['query', 'fragment', 'form_post'] : ['fragment', 'form_post']
}

/** Those for a redirect URI: no browser posts a form to the private-use scheme of an app (RFC 8252 §7.1). */
export function responseModesAt(redirectUri: string, usual: 'query' | 'fragment'): readonly ResponseMode[] {
  const modes = responseModes(usual)
  return /^https?:/.test(redirectUri) ? modes : modes.filter((mode) => mode !== 'form_post')
}
