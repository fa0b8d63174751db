// Names that the diagnosis of Postfix knows (postconf(5)): the settings that decide on mail for lists, and what smtpd calls
// its restrictions; and the one that a misspelled word was meant to be. Pure.
import { editDistance } from '../../config/section.ts'

/** Settings that decide on mail for lists: a fault in them is an error, elsewhere it is somebody else's affair. */
export const ours: ReadonlySet<string> = new Set([
  'transport_maps',
  'relay_domains',
  'relay_recipient_maps',
  'local_recipient_maps',
  'virtual_alias_maps',
  'virtual_alias_domains',
  'virtual_mailbox_maps',
  'virtual_mailbox_domains',
  'mydestination',
  'mynetworks',
  'recipient_delimiter',
  'owner_request_special',
  'unknown_local_recipient_reject_code',
  'unknown_relay_recipient_reject_code',
  'unknown_virtual_alias_reject_code',
  'unknown_virtual_mailbox_reject_code',
  'unverified_recipient_reject_code',
  'address_verify_negative_cache',
  'address_verify_negative_expire_time',
  'address_verify_negative_refresh_time',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'inet_interfaces',
  'inet_protocols',
  'propagate_unmatched_extensions',
  'relay_transport',
  'local_transport',
  'virtual_transport',
  'default_transport',
  'relayhost',
  'receive_override_options',
])

/** Restrictions of smtpd, without those of the form check_…_access, reject_rbl_… and the like, which take a word. */
export const restrictionNames: ReadonlySet<string> = new Set([
  'permit',
  'reject',
  'defer',
  'permit_mynetworks',
  'permit_sasl_authenticated',
  'permit_auth_destination',
  'permit_inet_interfaces',
  'permit_tls_clientcerts',
  'permit_tls_all_clientcerts',
  'permit_mx_backup',
  'reject_unauth_destination',
  'defer_unauth_destination',
  'reject_unauth_pipelining',
  'reject_unlisted_recipient',
  'reject_unlisted_sender',
  'reject_unverified_recipient',
  'reject_unverified_sender',
  'reject_sender_login_mismatch',
  'reject_known_sender_login_mismatch',
  'reject_authenticated_sender_login_mismatch',
  'reject_unauthenticated_sender_login_mismatch',
  'reject_non_fqdn_sender',
  'reject_non_fqdn_recipient',
  'reject_non_fqdn_helo_hostname',
  'reject_non_fqdn_hostname',
  'reject_invalid_helo_hostname',
  'reject_invalid_hostname',
  'reject_unknown_client_hostname',
  'reject_unknown_client',
  'reject_unknown_reverse_client_hostname',
  'reject_unknown_forward_client_hostname',
  'reject_unknown_helo_hostname',
  'reject_unknown_hostname',
  'reject_unknown_sender_domain',
  'reject_unknown_recipient_domain',
  'reject_unknown_address',
  'reject_multi_recipient_bounce',
  'reject_plaintext_session',
  'reject_rbl_client',
  'reject_rhsbl_client',
  'reject_rhsbl_helo',
  'reject_rhsbl_recipient',
  'reject_rhsbl_sender',
  'reject_rhsbl_reverse_client',
  'permit_dnswl_client',
  'permit_rhswl_client',
  'defer_if_permit',
  'defer_if_reject',
  'warn_if_reject',
  'check_policy_service',
  'check_client_access',
  'check_helo_access',
  'check_sender_access',
  'check_recipient_access',
  'sleep',
])

/** The name that differs by no more than two signs; letter case, hyphens and dots do not count. */
export function nearest(name: string, names: ReadonlySet<string>): string | null {
  const folded = fold(name)
  let [best, least]: [string | null, number] = [null, 3]
  for (const candidate of names) {
    const far = editDistance(folded, fold(candidate))
    if (far < least) [best, least] = [candidate, far]
  }
  return best
}

const fold = (name: string): string => name.toLowerCase().replace(/[-_.]/g, '')
