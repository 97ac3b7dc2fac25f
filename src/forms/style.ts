/** The style of pages with forms: the common style, and more rules, so that other pages stay small. */
import { contentSecurityPolicy, type Pages } from '../pages/page'

const rules = `
main{max-width:42rem}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0 0 1.5rem}
nav a{padding:.375rem 0}
nav [aria-current]{color:var(--text);font-weight:600;text-decoration:none}
input:not([type=hidden]),textarea,select{letter-spacing:normal}
textarea,select{width:100%;min-height:2.75rem;padding:.6rem .75rem;border:1px solid var(--soft);border-radius:calc(var(--radius)*.6);background:var(--background);color:var(--text);font:inherit}
textarea{resize:vertical;overflow-wrap:anywhere}
input[type=checkbox],input[type=radio]{flex:none;width:1.5rem;height:1.5rem;min-height:0;margin:0;padding:0;accent-color:var(--accent)}
[aria-invalid=true]{border-color:var(--danger)}
.field{margin:0 0 1.25rem}
.field p,fieldset p{margin:.375rem 0 0}
.error{color:var(--danger);font-weight:600}
.error code{font-weight:400}
fieldset{min-width:0;margin:0 0 1.25rem;padding:0;border:0}
legend{padding:0;font-weight:600}
.choice{display:flex;align-items:flex-start;gap:.75rem;margin:.5rem 0 0;padding:.25rem 0;font-weight:400}
dl{margin:0 0 1.25rem}
dt{color:var(--soft);font-size:.9375rem}
dd{margin:0 0 .75rem}
.secret{display:block;padding:.75rem 1rem;border:1px solid var(--accent);border-radius:calc(var(--radius)*.6);background:var(--background);user-select:all}
img.mark{object-fit:cover}
h2{margin:1.5rem 0 .5rem}
.client h2{margin:0}
.list{margin:0 0 1rem}
.list>li{padding:1rem 0;border-top:1px solid var(--line)}
.list h2{margin-top:0}
.list .client{margin:0}
.actions+p{margin-top:1.25rem}
.list .client>div{flex:1}
.side{flex:none;align-self:center}
search form{display:flex;flex-wrap:wrap;align-items:end;gap:.75rem}
search .field{flex:1 1 14rem;margin:0}
`

/** The server's pages with these rules, and a Content-Security-Policy that allows them. */
export function formPages(pages: Pages): Pages {
  const style = `${pages.style}${rules}`
  return Object.freeze({ ...pages, style, contentSecurityPolicy: contentSecurityPolicy(style) })
}
