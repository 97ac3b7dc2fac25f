/** The pages in English. */
import type { PageTexts } from './texts'

export const english: PageTexts = {
  consentTitle: 'Allow {client} to use your account?',
  signedInAs: 'Signed in as {user}',
  uncheckedName: 'This app chose its own name, and nobody has checked it. What you allow goes to {host}.',
  uncheckedHost:
    'This app says that it is from {host}, and nobody has checked its name. What you allow goes to {target}.',
  appOnDevice: 'an app on this device ({host})',
  allowIfKnown: 'Allow it only if you know that place.',
  allowIfStarted: 'Allow it only if you have just started that app yourself on this device.',
  notYou: 'Not you?',
  clientMay: '{client} will be able to:',
  clientKnowsYou: '{client} will know who you are, and nothing else.',
  onlyAt: 'This holds only at {resources}.',
  allow: 'Allow',
  deny: 'Deny',
  goesOnTo: 'Either way you go on to {host}.',
  goesOnToDevice: 'Either way you go on to an app on this device ({host}).',
  answerUnused: 'Your last answer could not be used: it came twice, too soon, too late, or from another account.',

  appsTitle: 'Connected apps',
  appsIntro: 'These apps can use your account.',
  noApps: 'No app can use your account.',
  accessSince: 'Since {date}',
  knowsYou: 'It knows who you are, and nothing else.',
  remove: 'Remove access',
  removeTitle: 'Remove the access of {client}?',
  removeText: 'From then on {client} can no longer use your account. It may ask you again later.',
  keep: 'Keep',
  removed: '{client} can no longer use your account.',
  previousPage: 'Previous',
  nextPage: 'Next',

  errorTitle: 'This link does not work',
  errorText:
    'Go back to where you came from and try again. If it stays like this, tell the makers of that app what is written below.',
  failureTitle: 'Something went wrong here',
  failureText: 'It is not your fault. Wait a moment, then go back and try again.',
  signInTitle: 'You are not signed in',
  signInText: 'Sign in, then open this page again.',
}
