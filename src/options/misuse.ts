/** Mistakes of the host as TypeErrors with a code: examples/symptoms/README.md says of each code why, and the fix. */

/** The kinds of mistakes. Codes stay as they are, messages may change. */
export type MisuseCode =
  // how a function is called
  | 'not_a_server'
  | 'not_called'
  | 'too_many_arguments'
  // which options there are
  | 'unknown_option'
  | 'undefined_option'
  | 'missing_option'
  | 'conflicting_options'
  | 'duplicate_name'
  | 'missing_capability'
  | 'unknown_to_server'
  // what an option is
  | 'not_an_object'
  | 'not_a_function'
  | 'wrong_capability'
  | 'wrong_list'
  | 'wrong_choice'
  | 'wrong_number'
  | 'wrong_seconds'
  | 'wrong_text'
  | 'wrong_scope'
  | 'wrong_url'
  | 'wrong_id'
  | 'wrong_key'
  | 'weak_secret'
  // what a function of the host returned, or a record has
  | 'wrong_answer'
  | 'wrong_decision'
  | 'wrong_user'
  | 'wrong_sign_in'
  | 'wrong_record'
  | 'wrong_oauth_error'
  // the storage
  | 'wrong_storage'
  | 'broken_storage_contract'
  | 'unstorable_value'

/** A TypeError with that `code`. Its stack begins with `TypeError [code]`, as those of Node do; its `message` does not. */
export function misuse(
  code: MisuseCode,
  message: string,
  options?: ErrorOptions,
): TypeError & { readonly code: MisuseCode } {
  const error = new TypeError(message, options)
  // the stack shall begin where the mistake was found, not here
  Error.captureStackTrace(error, misuse)
  // a host may make lists of stacks
  const { stack }: { stack?: unknown } = error
  if (typeof stack === 'string') error.stack = stack.replace('TypeError', `TypeError [${code}]`)
  return Object.assign(error, { code })
}
