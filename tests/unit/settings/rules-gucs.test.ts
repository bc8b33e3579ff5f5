import { expect } from "chai";
import { mayNotSay, maySay, settings } from "./cases";
import { problemsOf, type Tree } from "./stack";

const OWNED = [
  "archive_command",
  "archive_mode",
  "archive_library",
  "archive_timeout",
  "restore_command",
  "recovery_target_time",
  "recovery_end_command",
  "primary_conninfo",
  "data_directory",
  "config_file",
  "hba_file",
  "ident_file",
  "external_pid_file",
  "listen_addresses",
  "port",
  "unix_socket_directories",
  "logging_collector",
];

describe("a stack's settings of PostgreSQL", () => {
  mayNotSay([
    [
      "a major that is none here",
      { postgres: { version: 16 } },
      /^postgres\.version: must be one of: 17, 18, 19$/,
    ],
    ["a major as text", { postgres: { version: "18" } }, /^postgres\.version: must be one of: 17, 18, 19$/],
    [
      "memory below the minimum",
      { postgres: { memory: "128Mi" } },
      /^postgres\.memory: is below the minimum \(256Mi/,
    ],
    [
      "a bare number of megabytes as memory",
      { postgres: { memory: 512 } },
      /^postgres\.memory: is below the minimum/,
    ],
    ["memory beyond any machine", { postgres: { memory: "1Pi" } }, /^postgres\.memory: is above the maximum/],
    ["hardly any CPU", { postgres: { cpu: "10m" } }, /^postgres\.cpu: is below the minimum \(100m/],
    [
      "settings that are a list",
      settings(["work_mem"] as unknown as Tree),
      /^postgres\.settings: must be an object of names/,
    ],
    [
      "a setting that is an object",
      settings({ work_mem: { is: "4MB" } }),
      /^postgres\.settings\.work_mem: must be text/,
    ],
    [
      "a setting with a line break",
      settings({ search_path: "a\nfsync = off" }),
      /search_path: must be text, .*without control/,
    ],
    [
      "an unknown setting",
      settings({ shared_bufers: "1GB" }),
      /unrecognized configuration parameter "\w+" \(did you mean shared_buffers\?\)/,
    ],
    [
      "a name that postgresql.conf could not hold",
      settings({ "a.b.c": "1" }),
      /a\.b\.c: unrecognized configuration parameter/,
    ],
    ["an include", settings({ include_dir: "/x" }), /include_dir: unrecognized configuration parameter/],
    [
      "a unit that does not exist",
      settings({ work_mem: "64XB" }),
      /work_mem: invalid value for parameter "work_mem": "64XB"/,
    ],
    [
      "a value out of range",
      settings({ checkpoint_timeout: "1s" }),
      /1 s is outside the valid range for parameter "\w+" \(30 s \.\. 86400 s\)/,
    ],
    [
      "an enum's unknown value",
      settings({ wal_compression: "gzip" }),
      /available values: pglz, lz4, zstd, on, off/,
    ],
    ["a boolean of neither kind", settings({ jit: "perhaps" }), /requires a Boolean value/],
    [
      "a setting fixed at build time",
      settings({ block_size: 8192 }),
      /block_size: can't be set: PostgreSQL reports it/,
    ],
    [
      "a setting written twice",
      settings({ DateStyle: "ISO", datestyle: "SQL" }),
      /datestyle: is the same setting as DateStyle/,
    ],
    ["fsync off", settings({ fsync: false }), /fsync: must stay on .*disposable/],
    [
      "zeroed pages",
      settings({ zero_damaged_pages: true }),
      /zero_damaged_pages: must stay off .*disposable/,
    ],
    ["bad checksums", settings({ Ignore_Checksum_Failure: "on" }), /must stay off .*disposable/],
    ["missing pages", settings({ ignore_invalid_pages: "1" }), /must stay off .*disposable/],
    ["writes that fail", settings({ data_sync_retry: "yes" }), /must stay off .*disposable/],
    ["full_page_writes off", settings({ full_page_writes: "no" }), /full_page_writes: must stay on/],
    ["passwords hashed with MD5", settings({ password_encryption: "md5" }), /it must be scram-sha-256/],
  ]);

  maySay([
    [
      "any setting of PostgreSQL, as text, number or boolean",
      settings({ work_mem: "128MB", max_connections: 150, jit: false, Random_Page_Cost: 1.5 }),
    ],
    ["an extension's setting", settings({ "pgaudit.log": "write", "auto_explain.log_min_duration": "1s" })],
    ["an enum's on and off as booleans", settings({ wal_compression: true, huge_pages: false })],
    ["zeroed pages in a disposable stack", { disposable: true, ...settings({ zero_damaged_pages: "on" }) }],
    ["zeroed pages off", settings({ zero_damaged_pages: "off" })],
    ["fsync off in a disposable stack", { disposable: true, ...settings({ fsync: "off" }) }],
  ]);

  for (const name of OWNED) {
    it(`may not set ${name}, and learn why`, () => {
      expect(problemsOf(settings({ [name]: "x" }))).to.have.length(1);
      expect(problemsOf(settings({ [name]: "x" }))[0]).to.match(
        new RegExp(`${name}: can't be set: it (is|belongs)`),
      );
    });
  }
});
