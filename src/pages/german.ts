/** The pages in German. */
import type { PageTexts } from './texts'

export const german: PageTexts = {
  consentTitle: 'Darf {client} Ihr Konto verwenden?',
  signedInAs: 'Angemeldet als {user}',
  uncheckedName: 'Diese App hat ihren Namen selbst gewählt, und er ist nicht geprüft. Der Zugriff geht an {host}.',
  uncheckedHost:
    'Diese App gibt an, von {host} zu sein, aber ihr Name ist nicht geprüft. Der Zugriff geht an {target}.',
  appOnDevice: 'eine App auf diesem Gerät ({host})',
  appByScheme: 'eine App auf diesem Gerät, die {host}:-Links öffnet',
  allowIfKnown: 'Erlauben Sie das nur, wenn Sie diese Website kennen.',
  allowIfStarted: 'Erlauben Sie das nur, wenn Sie die App gerade selbst auf diesem Gerät gestartet haben.',
  notYou: 'Nicht Sie?',
  clientMay: '{client} darf dann:',
  clientKnowsYou: '{client} erfährt, wer Sie sind, und sonst nichts.',
  onlyAt: 'Der Zugriff ist auf {resources} beschränkt.',
  allow: 'Erlauben',
  deny: 'Ablehnen',
  goesOnTo: 'In beiden Fällen geht es weiter zu {host}.',
  goesOnToDevice: 'In beiden Fällen geht es weiter zu einer App auf diesem Gerät ({host}).',
  goesOnToScheme: 'In beiden Fällen geht es weiter zu einer App auf diesem Gerät, die {host}:-Links öffnet.',
  onward: 'Weiter zu {client}',
  answerUnused:
    'Ihre letzte Antwort konnte nicht verwendet werden: Sie kam doppelt, zu früh, zu spät oder von einem anderen Konto.',

  deviceTitle: 'Ein Gerät verbinden',
  deviceIntro:
    'Geben Sie den Code ein, den Ihr Gerät zeigt. Fahren Sie nur fort, wenn Sie das auf Ihrem Gerät begonnen haben.',
  deviceCode: 'Code des Geräts',
  deviceUnknown: 'Dieser Code ist nicht gültig. Prüfen Sie ihn, oder holen Sie auf Ihrem Gerät einen neuen.',
  deviceShowing: 'das Gerät, das den Code {code} zeigt',
  deviceAsked: 'Ein Gerät hat am {date} danach gefragt, aus dem Netz {network}.',
  deviceOnlyIf: 'Fahren Sie nur fort, wenn Sie das auf Ihrem Gerät begonnen haben und es den Code {code} zeigt.',
  deviceLearns: 'Ihr Gerät erfährt Ihre Antwort von selbst.',
  deviceAllowedTitle: 'Ihr Gerät ist verbunden',
  deviceAllowedText: 'Es darf Ihr Konto jetzt verwenden. Sie können diese Seite schließen.',
  deviceDeniedTitle: 'Der Zugriff wurde abgelehnt',
  deviceDeniedText: 'Das Gerät darf Ihr Konto nicht verwenden. Sie können diese Seite schließen.',

  appsTitle: 'Verbundene Apps',
  appsIntro: 'Diese Apps dürfen Ihr Konto verwenden.',
  noApps: 'Keine App darf Ihr Konto verwenden.',
  accessSince: 'Seit {date}',
  knowsYou: 'Sie weiß, wer Sie sind, und sonst nichts.',
  remove: 'Zugriff entziehen',
  removeTitle: '{client} den Zugriff entziehen?',
  removeText: 'Danach kann {client} Ihr Konto nicht mehr verwenden. Die App kann Sie später wieder fragen.',
  keep: 'Behalten',
  removed: '{client} kann Ihr Konto nicht mehr verwenden.',
  previousPage: 'Zurück',
  nextPage: 'Weiter',

  errorTitle: 'Dieser Link funktioniert nicht',
  errorText:
    'Gehen Sie dorthin zurück, wo Sie herkamen, und versuchen Sie es noch einmal. Wenn es wieder geschieht, senden Sie die Angaben unten an die Entwickler der App.',
  failureTitle: 'Hier ist etwas schiefgegangen',
  failureText: 'Es liegt nicht an Ihnen. Warten Sie einen Moment, gehen Sie zurück und versuchen Sie es noch einmal.',
  continueTitle: 'Weiter zu {host}',
  continueText: 'Wenn nichts geschieht, klicken Sie auf den Knopf.',
  continue: 'Fortfahren',
  signInTitle: 'Sie sind nicht angemeldet',
  signInText: 'Melden Sie sich an und öffnen Sie diese Seite noch einmal.',
}
