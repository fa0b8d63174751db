// Figures of several runs made one, and short enough to read.

/** The middle of the numbers that are there; null when none is. */
export function median(numbers) {
  const sorted = numbers.filter((each) => each != null).sort((a, b) => a - b)
  const half = sorted.length >> 1
  if (sorted.length === 0) return null
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** What a fraction `part` of the sorted numbers does not exceed; null when there are none. */
export const percentile = (sorted, part) =>
  sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]

/** Four digits that count; anything but a number stays as it is. */
export const round = (value) => (typeof value === 'number' ? +value.toPrecision(4) : value)
