// Numbers as Prometheus reads them (text format 0.0.4). Pure.

export interface Sample {
  /** '' but for the parts of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: 'counter',
  samples,
})

export const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: 'gauge',
  samples,
})

/** One sample without labels. */
export const only = (value: number): readonly Sample[] => [{ labels: {}, value }]

/** A sample for each entry, with the entry's name as the label. */
export function each(label: string, values: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }))
}

/** `counts` has one more than `bounds`, for what lies beyond; each count is for its bound alone. */
export function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
  { counts, sum }: { readonly counts: readonly number[]; readonly sum: number },
): Family {
  let total = 0
  const buckets = counts.map((count, at): Sample => {
    total += count
    return { suffix: '_bucket', labels: { le: String(bounds[at] ?? '+Inf') }, value: total }
  })
  const whole: readonly Sample[] = [
    { suffix: '_sum', labels: {}, value: sum },
    { suffix: '_count', labels: {}, value: total },
  ]
  return { name, help, type: 'histogram', samples: [...buckets, ...whole] }
}

export function expose(families: readonly Family[]): string {
  return families.map(familyText).join('\n')
}

function familyText({ name, help, type, samples }: Family): string {
  const lines = samples.map(
    ({ suffix = '', labels, value }) => `${name}${suffix}${labelText(labels)} ${numberText(value)}\n`,
  )
  return `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const numberText = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
