/**
 * Where an authorization response is: OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response
 * Mode.
 */

/** In the query or the fragment of the redirect URI, or in a form that the browser posts to it. */
export type ResponseMode = 'query' | 'fragment' | 'form_post'

/** The modes that a client may request, by the default of its response type: a token is never in a query (§3.0). */
export function responseModes(usual: 'query' | 'fragment'): readonly ResponseMode[] {
  return usual === 'query' ? ['query', 'fragment', 'form_post'] : ['fragment', 'form_post']
}

/** The modes for a redirect URI: a browser does not post forms to an app's private-use scheme (RFC 8252 §7.1). */
export function responseModesAt(redirectUri: string, usual: 'query' | 'fragment'): readonly ResponseMode[] {
  const modes = responseModes(usual)
  return /^https?:/.test(redirectUri) ? modes : modes.filter((mode) => mode !== 'form_post')
}
