// Stands for depd, of which Express makes its warnings of old calls, where Jest runs on Bun: it reads the stack of its caller,
// and Bun gives strings there in a context of its own.
module.exports = () =>
  Object.assign(() => {}, { function: (/** @type {unknown} */ value) => value, property: () => {} })
