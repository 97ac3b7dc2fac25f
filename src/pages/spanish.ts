/** The pages in Spanish. */
import type { PageTexts } from './texts'

export const spanish: PageTexts = {
  consentTitle: '¿Permitir que {client} use su cuenta?',
  signedInAs: 'Ha entrado como {user}',
  uncheckedName: 'Esta aplicación eligió su propio nombre, que no está verificado. El acceso se dará a {host}.',
  uncheckedHost: 'Esta aplicación dice ser de {host}, pero su nombre no está verificado. El acceso se dará a {target}.',
  appOnDevice: 'una aplicación de este dispositivo ({host})',
  appByScheme: 'una aplicación de este dispositivo que abre los enlaces «{host}:»',
  allowIfKnown: 'Permita esto solo si conoce ese sitio.',
  allowIfStarted: 'Permita esto solo si acaba de iniciar usted esa aplicación en este dispositivo.',
  notYou: '¿No es usted?',
  clientMay: '{client} podrá:',
  clientKnowsYou: '{client} sabrá quién es usted, y nada más.',
  onlyAt: 'El acceso se limita a {resources}.',
  allow: 'Permitir',
  deny: 'Denegar',
  goesOnTo: 'En ambos casos continuará en {host}.',
  goesOnToDevice: 'En ambos casos continuará en una aplicación de este dispositivo ({host}).',
  goesOnToScheme: 'En ambos casos continuará en una aplicación de este dispositivo que abre los enlaces «{host}:».',
  onward: 'Continuar a {client}',
  answerUnused:
    'No se pudo usar su última respuesta: se envió dos veces, demasiado pronto, demasiado tarde o desde otra cuenta.',

  appsTitle: 'Aplicaciones conectadas',
  appsIntro: 'Estas aplicaciones pueden usar su cuenta.',
  noApps: 'Ninguna aplicación puede usar su cuenta.',
  accessSince: 'Desde el {date}',
  knowsYou: 'Sabe quién es usted, y nada más.',
  remove: 'Quitar el acceso',
  removeTitle: '¿Quitar el acceso a {client}?',
  removeText: 'A partir de entonces {client} ya no podrá usar su cuenta. Podrá volver a pedírselo más adelante.',
  keep: 'Conservar',
  removed: '{client} ya no puede usar su cuenta.',
  previousPage: 'Anterior',
  nextPage: 'Siguiente',

  errorTitle: 'Este enlace no funciona',
  errorText:
    'Vuelva al lugar de donde venía e inténtelo de nuevo. Si vuelve a ocurrir, envíe los detalles de abajo al desarrollador de la aplicación.',
  failureTitle: 'Algo ha fallado aquí',
  failureText: 'No es culpa suya. Espere un momento, vuelva atrás e inténtelo de nuevo.',
  continueTitle: 'Continuar a {host}',
  continueText: 'Si no ocurre nada, pulse el botón.',
  continue: 'Continuar',
  signInTitle: 'No ha iniciado sesión',
  signInText: 'Inicie sesión y abra de nuevo esta página.',
}
