// Postfix as `hookup` and `doctor` know it: the recipe for main.cf, and the diagnosis.
import type { MailServerGuide } from '../../model/hookup.ts'
import { diagnosePostfix, postfixKinds } from './postfix-diagnose.ts'
import { postfixRecipe } from './postfix-recipe.ts'
import { wayFor } from './postfix-recipe-input.ts'
import { postfixSituation } from './postfix-situation.ts'

export const postfix: MailServerGuide = {
  name: 'postfix',
  title: 'Postfix',
  kinds: postfixKinds,
  isInstalled: async (host) => (await host.run(['postconf', '-d', '-h', 'mail_version']))?.code === 0,
  hookup: async (facts, host, way) => {
    const situation = await postfixSituation(facts, host)
    return postfixRecipe({ ...situation, facts, way: way ?? wayFor(facts, situation.domains) })
  },
  diagnose: diagnosePostfix,
}
