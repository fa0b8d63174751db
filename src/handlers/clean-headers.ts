// Takes away what was meant for the list or its mail server, not for its readers: the moderator's password,
// traces of the last hop, requests that every reader should answer. The bytes that are kept still have it all.
import type { Handler } from '../model/handler.ts'

/** Where a moderator may have written the password of the list. */
export const passwordFields = ['Approved', 'Approve', 'X-Approved', 'X-Approve'] as const

const hopFields = [
  'Return-Path', // the last mail server writes its own (RFC 5321 §4.4)
  'X-MailFrom',
  'Envelope-To', // QUIRK: Exim writes these two when it hands over
  'Delivery-Date',
  'Bcc', // RFC 5322 §3.6.3: nobody's business
  'Resent-Bcc',
] as const

const requestFields = [
  'Urgent',
  'Return-Receipt-To',
  'Disposition-Notification-To', // RFC 8098 §2.1: a receipt from every member
  'Disposition-Notification-Options',
  'X-Confirm-Reading-To',
  'X-PMRQC',
  'Errors-To', // bounces are the list's
  'Archived-At', // RFC 5064 §2.2: an earlier archive's
] as const

export const cleanHeaders: Handler = {
  name: 'clean-headers',
  summary: 'Removes passwords, traces of the last hop and requests for receipts',
  apply: (draft) => ({
    ...draft,
    headers: draft.headers.withoutMboxLine().without(...passwordFields, ...hopFields, ...requestFields),
  }),
}
