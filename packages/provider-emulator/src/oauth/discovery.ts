import { type Answer, json } from '@latchkey/bitbucket-emulator/building-blocks'
import type { Double } from '../double.ts'

/** Returns the discovery document (OpenID Connect Discovery 1.0 section 3). */
export function describe({ sheet, endpoints, urls }: Double): Answer {
  const { toEmulated } = urls
  return json(200, {
    issuer: toEmulated(String(sheet.openid?.issuer)),
    authorization_endpoint: toEmulated(endpoints.authorize),
    token_endpoint: toEmulated(endpoints.token),
    jwks_uri: toEmulated(String(endpoints.openid?.keys)),
    userinfo_endpoint: toEmulated(String(endpoints.openid?.userInfo)),
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: [...sheet.scope, ...sheet.optionalScopes],
  })
}
