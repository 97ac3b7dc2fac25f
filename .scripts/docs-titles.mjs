// A plugin of TypeDoc: a guide is called by its heading, not by its path.

/** @param {{ converter: { on: Function } }} app TypeDoc's application */
export function load(app) {
  app.converter.on('createDocument', (_context, document) => {
    const text = document.content.map((part) => part.text).join('')
    document.name = /^# (.+)$/m.exec(text)?.[1] ?? document.name
  })
}
