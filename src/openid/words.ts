/** The texts for scopes and claims in the languages of the pages: OpenID Connect Core §5.1, §5.4. */
import type { ScopesAndClaims } from '../pages/page'
import type { UserClaims } from './claims'

interface Language extends Required<ScopesAndClaims> {
  /** The text for a scope of the host, from its claims. */
  readonly own: (claims: string) => string
}

const english: Language = {
  scopes: {
    openid: 'Know who you are when you sign in',
    offline_access: 'Keep this access after you sign out',
    profile: 'See your name, your picture and the rest of your profile',
    email: 'See your email address',
    address: 'See your postal address',
    phone: 'See your phone number',
  },
  claims: {
    name: 'name',
    family_name: 'family name',
    given_name: 'first name',
    middle_name: 'middle name',
    nickname: 'nickname',
    preferred_username: 'username',
    profile: 'profile page',
    picture: 'picture',
    website: 'website',
    gender: 'gender',
    birthdate: 'date of birth',
    zoneinfo: 'time zone',
    locale: 'language',
    updated_at: 'last change of your profile',
    email: 'email address',
    email_verified: 'whether the email address is verified',
    address: 'postal address',
    phone_number: 'phone number',
    phone_number_verified: 'whether the phone number is verified',
  },
  own: (claims) => `See from your account: ${claims}`,
}

const german: Language = {
  scopes: {
    openid: 'Wissen, wer Sie sind, wenn Sie sich anmelden',
    offline_access: 'Diesen Zugriff behalten, wenn Sie sich abmelden',
    profile: 'Ihren Namen, Ihr Bild und Ihr übriges Profil sehen',
    email: 'Ihre E-Mail-Adresse sehen',
    address: 'Ihre Postanschrift sehen',
    phone: 'Ihre Telefonnummer sehen',
  },
  claims: {
    name: 'Name',
    family_name: 'Familienname',
    given_name: 'Vorname',
    middle_name: 'weiterer Vorname',
    nickname: 'Spitzname',
    preferred_username: 'Benutzername',
    profile: 'Profilseite',
    picture: 'Bild',
    website: 'Website',
    gender: 'Geschlecht',
    birthdate: 'Geburtsdatum',
    zoneinfo: 'Zeitzone',
    locale: 'Sprache',
    updated_at: 'letzte Änderung Ihres Profils',
    email: 'E-Mail-Adresse',
    email_verified: 'ob die E-Mail-Adresse bestätigt ist',
    address: 'Postanschrift',
    phone_number: 'Telefonnummer',
    phone_number_verified: 'ob die Telefonnummer bestätigt ist',
  },
  own: (claims) => `Aus Ihrem Konto sehen: ${claims}`,
}

const spanish: Language = {
  scopes: {
    openid: 'Saber quién es usted cuando inicia sesión',
    offline_access: 'Conservar este acceso después de cerrar la sesión',
    profile: 'Ver su nombre, su foto y el resto de su perfil',
    email: 'Ver su correo electrónico',
    address: 'Ver su dirección postal',
    phone: 'Ver su número de teléfono',
  },
  claims: {
    name: 'nombre completo',
    family_name: 'apellidos',
    given_name: 'nombre',
    middle_name: 'segundo nombre',
    nickname: 'apodo',
    preferred_username: 'nombre de usuario',
    profile: 'página de perfil',
    picture: 'foto',
    website: 'sitio web',
    gender: 'género',
    birthdate: 'fecha de nacimiento',
    zoneinfo: 'zona horaria',
    locale: 'idioma',
    updated_at: 'último cambio de su perfil',
    email: 'correo electrónico',
    email_verified: 'si el correo electrónico está verificado',
    address: 'dirección postal',
    phone_number: 'número de teléfono',
    phone_number_verified: 'si el número de teléfono está verificado',
  },
  own: (claims) => `Ver de su cuenta: ${claims}`,
}

const languages: Readonly<Record<string, Language>> = { en: english, de: german, es: spanish }

/** Every scope in the words of each language. The text for a host's own scope lists its claims. */
export function wordsOf({ byScope }: UserClaims): Readonly<Record<string, Required<ScopesAndClaims>>> {
  const scopes = ['openid', ...byScope.keys(), 'offline_access']
  const tell = ([language, { scopes: known, claims, own }]: [string, Language]) => {
    const inWords = (scope: string) => {
      const list = (byScope.get(scope) ?? []).map((name) => claims[name] ?? plain(name))
      return known[scope] ?? own(new Intl.ListFormat(language).format(list))
    }
    return [language, { claims, scopes: Object.fromEntries(scopes.map((scope) => [scope, inWords(scope)])) }] as const
  }
  return Object.freeze(Object.fromEntries(Object.entries(languages).map(tell)))
}

const plain = (name: string) => name.replaceAll('_', ' ')
