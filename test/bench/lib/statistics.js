// Medians and their like. Whoever quotes one run of a benchmark quotes the weather.

/** @param {readonly number[]} values */
function median(values) {
  return quantile(values, 0.5)
}

/** @param {readonly number[]} values @param {number} share from 0 to 1 */
function quantile(values, share) {
  const sorted = [...values].sort((left, right) => left - right)
  if (sorted.length === 0) return Number.NaN
  const place = (sorted.length - 1) * share
  const below = /** @type {number} */ (sorted[Math.floor(place)])
  const above = /** @type {number} */ (sorted[Math.ceil(place)])
  return below + (above - below) * (place - Math.floor(place))
}

/** A new array in random order. @template T @param {readonly T[]} values @returns {T[]} */
function shuffled(values) {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const [left, right] = [result[i], result[j]]
    result[i] = /** @type {T} */ (right)
    result[j] = /** @type {T} */ (left)
  }
  return result
}

module.exports = { median, quantile, shuffled }
