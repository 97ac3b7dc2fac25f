/** The texts that all pages with forms share. */

export interface FormTexts {
  /** The form was submitted twice, too late, or from another account. */
  formUsed: string
  /** The answer came before the user could read the question. */
  formTooSoon: string
  /** The subject of the form has changed since the form was shown. */
  formOutdated: string
  /** The notice above a form with errors. */
  formErrors: string
  cancel: string
  back: string
  firstPage: string
  nextPage: string
}

const english: FormTexts = {
  formUsed: 'This form was sent before, is too old, or is of another account. It changed nothing this time.',
  formTooSoon: 'That was very fast. Read the question, then answer again.',
  formOutdated: 'This was changed elsewhere meanwhile, and your form changed nothing. Here is what it says now.',
  formErrors: 'Nothing was saved. Correct what is marked below.',
  cancel: 'Cancel',
  back: 'Back',
  firstPage: 'First page',
  nextPage: 'Next page',
}

const german: FormTexts = {
  formUsed:
    'Dieses Formular wurde schon gesendet, ist zu alt oder gehört zu einem anderen Konto. Diesmal hat es nichts geändert.',
  formTooSoon: 'Das war sehr schnell. Lesen Sie die Frage, und antworten Sie dann noch einmal.',
  formOutdated:
    'Dies wurde inzwischen an anderer Stelle geändert, und Ihr Formular hat nichts geändert. Hier steht der neue Stand.',
  formErrors: 'Es wurde nichts gespeichert. Berichtigen Sie, was unten markiert ist.',
  cancel: 'Abbrechen',
  back: 'Zurück',
  firstPage: 'Erste Seite',
  nextPage: 'Nächste Seite',
}

const spanish: FormTexts = {
  formUsed: 'Este formulario ya se envió, es demasiado antiguo o es de otra cuenta. Esta vez no ha cambiado nada.',
  formTooSoon: 'Ha sido muy rápido. Lea la pregunta y responda de nuevo.',
  formOutdated: 'Esto cambió mientras tanto en otro lugar, y su formulario no ha cambiado nada. Así está ahora.',
  formErrors: 'No se ha guardado nada. Corrija lo que está marcado abajo.',
  cancel: 'Cancelar',
  back: 'Volver',
  firstPage: 'Primera página',
  nextPage: 'Página siguiente',
}

export const formTexts = { en: english, de: german, es: spanish }
