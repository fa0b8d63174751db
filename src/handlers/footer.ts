// Puts the list's header above and its footer below a post, filled with the list's names. Where in the MIME
// tree they go is the business of mail/footer.ts.
import { addFooter } from '../mail/footer.ts'
import type { Handler } from '../model/handler.ts'
import { filled, listValues } from './list-text.ts'

export const footer: Handler = {
  name: 'footer',
  summary: "Adds the list's header and footer to the text",
  apply: (draft, { list }) => {
    const values = listValues(list)
    const { header, footer: below } = list.settings
    const withHeader = addFooter(draft, filled(header, values), { position: 'header' })
    return addFooter(withHeader, filled(below, values), { position: 'footer' })
  },
}
