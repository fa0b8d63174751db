# shellcheck shell=bash
dovecot_install() { unpack_closure dovecot dovecot-core dovecot-submissiond dovecot-lmtpd coreutils perl; }
