import { changed, emptied, gains, higher, loses, lower, ranked, turnedOff, turnedOn } from "./compare";
import type { Table } from "./table";

const TLS = ["tlsv1.3", "tlsv1.2", "tlsv1.1", "tlsv1"];
const ENCRYPTION = "weaker encryption";
const ACCESS = "access changes";

const untold = (what: string) =>
  ({
    effect: ACCESS,
    usual: "",
    less: changed,
    why: `${what}; which of the two is stricter can't be determined here`,
    mild: true,
  }) as const;

/** Settings that decide who can connect, who can eavesdrop, and what a session may do. */
export const EXPOSURE: Table = {
  listen_addresses: {
    effect: "opened to the outside",
    usual: "*",
    less: gains,
    why: "the server answers on more addresses",
  },
  bonjour: {
    effect: "opened to the outside",
    usual: "off",
    less: turnedOn,
    why: "the server announces itself to the network",
  },
  ssl: {
    effect: ENCRYPTION,
    usual: "off",
    less: turnedOff,
    why: "connections are in plaintext: anyone who listens on the network reads them",
  },
  ssl_min_protocol_version: {
    effect: ENCRYPTION,
    usual: "TLSv1.2",
    less: ranked(...TLS),
    why: "older versions of TLS are accepted, which can be broken",
  },
  ssl_max_protocol_version: {
    effect: ENCRYPTION,
    usual: "",
    less: ranked("", ...TLS),
    why: "newer versions of TLS are refused",
  },
  ssl_prefer_server_ciphers: {
    effect: ENCRYPTION,
    usual: "on",
    less: turnedOff,
    why: "the client chooses the cipher, its weakest too",
  },
  ssl_ciphers: untold("other ciphers are accepted"),
  ssl_tls13_ciphers: untold("other ciphers are accepted"),
  ssl_ecdh_curve: untold("keys are agreed on by other curves"),
  ssl_groups: untold("keys are agreed on by other groups"),
  ssl_dh_params_file: untold("keys are agreed on by other parameters"),
  ssl_ca_file: [
    { effect: ENCRYPTION, usual: "", less: emptied, why: "client certificates are no longer checked" },
    untold("clients are trusted by other authorities"),
  ],
  ssl_crl_file: { effect: ACCESS, usual: "", less: emptied, why: "revoked client certificates get in again" },
  ssl_crl_dir: { effect: ACCESS, usual: "", less: emptied, why: "revoked client certificates get in again" },
  ssl_cert_file: untold("the server shows another certificate, which clients that check it have to know"),
  ssl_key_file: untold("the server has another key"),
  ssl_sni: untold("the certificate that a client sees depends on the name that it requests"),
  hosts_file: untold("another file determines which certificate a client sees"),
  krb_server_keyfile: untold("Kerberos tickets are checked with another key"),
  krb_caseins_users: {
    effect: ACCESS,
    usual: "off",
    less: turnedOn,
    why: "Kerberos names that differ in case alone are the same user",
  },
  gss_accept_delegation: {
    effect: ACCESS,
    usual: "off",
    less: turnedOn,
    why: "the server may act with the credentials of clients",
  },
  oauth_validator_libraries: {
    effect: ACCESS,
    usual: "",
    less: changed,
    why: "another library says whose token gets in",
  },
  hba_file: {
    effect: ACCESS,
    usual: "/etc/postgresql/pg_hba.conf",
    less: changed,
    why: "another file says who gets in, and how",
  },
  ident_file: {
    effect: ACCESS,
    usual: "/etc/postgresql/pg_ident.conf",
    less: changed,
    why: "another file says who may be whom",
  },
  password_encryption: {
    effect: ENCRYPTION,
    usual: "scram-sha-256",
    less: ranked("scram-sha-256", "md5"),
    why: "new passwords are stored as MD5: whoever gets hold of one can log in with it",
  },
  scram_iterations: {
    effect: ENCRYPTION,
    usual: "4096",
    less: lower(),
    why: "new passwords are quicker to guess from what is stored",
  },
  "passwordcheck.min_password_length": {
    effect: "checks are off",
    usual: "8",
    less: lower(),
    why: "shorter passwords are accepted",
  },
  "auth_delay.milliseconds": {
    effect: "checks are off",
    usual: "0",
    less: lower(),
    why: "passwords can be tried faster",
  },
  "pgaudit.log": {
    effect: "less is recorded",
    usual: "none",
    less: (edit) => edit.before !== "none" && edit.after !== "all" && changed(edit),
    why: "other statements are audited: those that are left out are missing when somebody asks what happened",
  },
  output_plugin_libraries: {
    effect: ACCESS,
    usual: "",
    less: gains,
    why: "more libraries may read all changes of the database",
  },
  row_security: {
    effect: ACCESS,
    usual: "on",
    less: turnedOff,
    why: "queries that a policy would filter end in an error",
    mild: true,
  },
  lo_compat_privileges: {
    effect: ACCESS,
    usual: "off",
    less: turnedOn,
    why: "every role may read and change all large objects",
  },
  restrict_nonsystem_relation_kind: {
    effect: ACCESS,
    usual: "",
    less: loses(/./),
    why: "views or foreign tables are expanded again, also in a dump by a superuser",
  },
  createrole_self_grant: {
    effect: ACCESS,
    usual: "",
    less: gains,
    why: "whoever creates a role becomes its member",
  },
  superuser_reserved_connections: {
    effect: ACCESS,
    usual: "3",
    less: lower(),
    why: "fewer connections are kept for whoever has to look when all are used up",
    mild: true,
  },
  reserved_connections: {
    effect: ACCESS,
    usual: "0",
    less: lower(),
    why: "fewer connections are kept for pg_use_reserved_connections when all are used up",
    mild: true,
  },
  backslash_quote: {
    effect: "checks are off",
    usual: "safe_encoding",
    less: ranked("off", "safe_encoding", "on"),
    why: "quotes can be smuggled in by some client encodings",
  },
  standard_conforming_strings: {
    effect: "checks are off",
    usual: "on",
    less: turnedOff,
    why: "backslashes in ordinary strings escape: statements may be smuggled in where clients quote for the standard",
  },
  max_connections: [
    {
      effect: ACCESS,
      usual: "100",
      less: (edit) => lower()({ ...edit, before: half(edit.before) }),
      why: "less than half as many connections: applications that hold more are refused",
    },
    {
      effect: ACCESS,
      usual: "100",
      less: lower(),
      why: "fewer connections: applications that hold more are refused",
      mild: true,
    },
  ],
  authentication_timeout: {
    effect: ACCESS,
    usual: "1min",
    less: higher(),
    why: "a client that does not log in holds a connection for longer",
    mild: true,
  },
};

function half(count: string): string {
  return String(Number(count) / 2);
}
