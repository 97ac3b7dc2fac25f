// The texts that people read are plain English: without the phrases below, in short sentences.
import { placeOf, readTexts, type Text } from './support/words'

/** Riddles, and words that a reader has to translate first. They match as whole words, also across a line's end. */
const banned = [
  'nobody',
  'somebody',
  'whoever',
  'is none',
  'are none',
  'is one of nobody',
  'hears of',
  'hear of',
  'goes by',
  'go by',
  'of our making',
  'but for',
  'must answer',
  'answers with',
  'answers',
  'told once',
  'cannot be had',
  'could be had',
  'can be had',
  'none of its business',
  'there is none',
  'there is no such',
  'what it is',
]
const patterns = [
  ...banned.map((phrase) => new RegExp(`\\b${phrase.replaceAll(' ', '\\s+')}\\b`, 'gi')),
  // "no longer" says it
  /\bno\b[^.;]*\bany\s+more\b/gi,
]
const MOST_WORDS = 20

const texts = readTexts()
type Kind = keyof typeof texts

/** `src/users.ts:21: "nobody"`, for each phrase of the list that a text has. */
function phrasesIn(text: Text): string[] {
  return patterns.flatMap((pattern) =>
    [...text.words.matchAll(pattern)].map((found) => {
      return `${placeOf(text, found.index)}: "${found[0].replace(/\s+/g, ' ')}"`
    }),
  )
}

/** The sentences of a text that have too many words. */
function longSentencesIn(text: Text): string[] {
  return text.words
    .split(/[.?!](?=\s|['"`]?$)/)
    .map((sentence) => sentence.split(/\s+/).filter((word) => /\w/.test(word)))
    .filter((words) => words.length > MOST_WORDS)
    .map((words) => `${placeOf(text)}: ${words.length} words: ${words.join(' ')}`)
}

const madeUp = (words: string): Text => ({ ...(texts.pages[0] as Text), words })

it.each([
  ['it is for nobody', ['nobody']],
  ['Whoever asks', ['Whoever']],
  ['there is\n  none', ['is none', 'there is none']],
  ['it answers with a list', ['answers with', 'answers']],
  ['there is no client any more', ['no client any more']],
  ['an answer, once more', []],
])('finds the phrases in %j', (words, phrases) => {
  expect(phrasesIn(madeUp(words))).toEqual(
    phrases.map((phrase) => expect.stringContaining(`: "${phrase.replace(/\s+/g, ' ')}"`)),
  )
})

it('counts the words of each sentence', () => {
  const sentence = Array(MOST_WORDS).fill('word').join(' ')
  expect(longSentencesIn(madeUp(`'${sentence}. ${sentence}?'`))).toEqual([])
  expect(longSentencesIn(madeUp(`'${sentence} more. ${sentence}.'`))).toHaveLength(1)
})

// one text for each way in which texts are found: a way that no longer finds anything fails here
it.each<[Kind, string, number]>([
  ['descriptions', 'A parameter is included more than once.', 150],
  ['descriptions', 'must not have dot segments', 150],
  ['descriptions', 'turn off PKCE', 150],
  ['descriptions', 'client metadata documents', 150],
  ['typeErrors', 'pkce', 400],
  ['warnings', 'memory_storage_in_production', 30],
  ['pages', 'Connected apps', 30],
  ['docstrings', 'The public description: RFC 6749 §5.2 `error_description`.', 400],
])('the %s are read, with %j', (kind, part, least) => {
  expect(texts[kind].length).toBeGreaterThan(least)
  expect(texts[kind].some(({ words }) => words.includes(part))).toBe(true)
})

it.each<[string, Kind]>([
  ['descriptions of OAuthErrors', 'descriptions'],
  ['messages of TypeErrors', 'typeErrors'],
  ['warnings', 'warnings'],
  ['English texts of the pages', 'pages'],
  ['docstrings of what is exported', 'docstrings'],
])('no phrase of the list is in the %s', (_name, kind) => {
  expect(texts[kind].flatMap(phrasesIn)).toEqual([])
})

it.each<[string, Kind]>([
  ['descriptions of OAuthErrors', 'descriptions'],
  ['English texts of the pages', 'pages'],
])(`at most ${MOST_WORDS} words are in a sentence of the %s`, (_name, kind) => {
  expect(texts[kind].flatMap(longSentencesIn)).toEqual([])
})

// RFC 6749 §5.2: the class would send a question mark for any other character
it('only printable ASCII is in the descriptions of OAuthErrors', () => {
  const wrong = texts.descriptions.filter(({ words }) => /[^\x20-\x7e\n]/.test(words))
  expect(wrong.map((text) => `${placeOf(text)}: ${text.words}`)).toEqual([])
})
