/** The pages in English. */
import type { PageTexts } from './texts'

export const english: PageTexts = {
  consentTitle: 'Allow {client} to use your account?',
  signedInAs: 'Signed in as {user}',
  uncheckedName: 'This app chose its own name, and it is not verified. Access will be given to {host}.',
  uncheckedHost:
    'This app says that it is from {host}, but its name is not verified. Access will be given to {target}.',
  appOnDevice: 'an app on this device ({host})',
  appByScheme: 'an app on this device that opens {host}: links',
  allowIfKnown: 'Only allow this if you know that site.',
  allowIfStarted: 'Only allow this if you have just started that app yourself on this device.',
  notYou: 'Not you?',
  clientMay: '{client} will be able to:',
  clientKnowsYou: '{client} will know who you are, and nothing else.',
  onlyAt: 'Access is limited to {resources}.',
  allow: 'Allow',
  deny: 'Deny',
  goesOnTo: 'You will continue to {host} either way.',
  goesOnToDevice: 'You will continue to an app on this device ({host}) either way.',
  goesOnToScheme: 'You will continue to an app on this device that opens {host}: links either way.',
  onward: 'Continue to {client}',
  answerUnused: 'Your last answer could not be used: it was sent twice, too soon, too late, or from another account.',

  appsTitle: 'Connected apps',
  appsIntro: 'These apps can use your account.',
  noApps: 'No app can use your account.',
  accessSince: 'Since {date}',
  knowsYou: 'It knows who you are, and nothing else.',
  remove: 'Remove access',
  removeTitle: 'Remove the access of {client}?',
  removeText: 'After that, {client} can no longer use your account. It may ask you again later.',
  keep: 'Keep',
  removed: '{client} can no longer use your account.',
  previousPage: 'Previous',
  nextPage: 'Next',

  errorTitle: 'This link does not work',
  errorText:
    "Go back to where you came from and try again. If it keeps happening, send the details below to the app's developer.",
  failureTitle: 'Something went wrong here',
  failureText: 'It is not your fault. Wait a moment, then go back and try again.',
  continueTitle: 'Continue to {host}',
  continueText: 'If nothing happens, press the button.',
  continue: 'Continue',
  signInTitle: 'You are not signed in',
  signInText: 'Sign in, then open this page again.',
}
