// Courier, as `hookup` and `doctor` know it. Law: its files are read as it reads them, and nothing is changed.
import type { MailServerGuide } from '../../model/hookup.ts'
import { courierFolder, hasCourier } from './courier-configuration.ts'
import { diagnoseCourier } from './courier-diagnose.ts'
import { courierKinds } from './courier-kinds.ts'
import { courierRecipe } from './courier-recipe.ts'
import { courierSituation } from './courier-situation.ts'

export const courier: MailServerGuide = {
  name: 'courier',
  title: 'Courier',
  kinds: courierKinds,
  isInstalled: async (host) => hasCourier(host, await courierFolder(host)),
  hookup: async (facts, host, way) => {
    const dir = await courierFolder(host)
    const made = courierRecipe(await courierSituation(facts, host, dir), way)
    if (await hasCourier(host, dir)) return made
    const refusal = `${dir} has no file courierd: name the folder of Courier's files with --config-dir`
    return { ...made, files: [], refusals: [refusal] }
  },
  diagnose: diagnoseCourier,
}
