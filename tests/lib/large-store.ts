import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { environment } from "../image/docker";

const PAGE = 1000;
const SEGMENT = /([0-9A-F]{24})\.lz4$/;

const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, "0");

const segmentName = (number: number) => `${hex(1)}${hex(Math.floor(number / 256))}${hex(number % 256)}`;

/** An object store on this machine, as much of S3 as reading takes: a few objects, and so many WAL segments that have only names. */
export class LargeStore {
  private readonly server: Server;

  /** @param objects contents by key; @param wal folder that the segments lie in, from the first to the last number */
  constructor(
    private readonly objects: Record<string, string | Buffer>,
    private readonly wal: { folder: string; first: number; last: number },
  ) {
    this.server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://store");
      const key = decodeURIComponent(pathname).split("/").slice(2).join("/");
      const object = this.objects[key];
      if (searchParams.has("list-type") || searchParams.has("prefix")) {
        response.end(
          this.list(searchParams.get("prefix") ?? "", searchParams.get("continuation-token") ?? ""),
        );
      } else if (object === undefined) {
        response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
      } else {
        response.end(request.method === "HEAD" ? undefined : object);
      }
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Options of a container that would be a clone of what the folder holds. */
  options(): string[] {
    return [
      "--network",
      "host",
      ...environment({
        CLONE_FROM: `s3://bucket/${this.wal.folder.replace("/wal_005/", "")}`,
        AWS_ENDPOINT: this.endpoint,
        AWS_REGION: "us-east-1",
        AWS_S3_FORCE_PATH_STYLE: "true",
        AWS_ACCESS_KEY_ID: "a",
        AWS_SECRET_ACCESS_KEY: "b",
      }),
    ];
  }

  start(): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", resolve);
    });
  }

  stop(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private segment(number: number): string {
    return `${this.wal.folder}${segmentName(number)}.lz4`;
  }

  private list(prefix: string, after: string): string {
    const below = Object.keys(this.objects).filter((key) => key.startsWith(prefix));
    const isObject = (key: string) => !key.slice(prefix.length).includes("/");
    const folders = new Set(
      below.filter((key) => !isObject(key)).map((key) => key.slice(0, key.indexOf("/", prefix.length) + 1)),
    );
    const keys = below.filter(isObject);
    let next = "";
    if (prefix === this.wal.folder) {
      const [, name = ""] = after.match(SEGMENT) ?? [];
      const start = name
        ? Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16) + 1
        : this.wal.first;
      for (let number = start; number <= this.wal.last && keys.length < PAGE; number++)
        keys.push(this.segment(number));
      const last = keys.at(-1) as string;
      if (last !== this.segment(this.wal.last)) next = last;
    }
    const size = (key: string) => Buffer.byteLength(this.objects[key] ?? "segment");
    return [
      `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${next !== ""}</IsTruncated>`,
      next && `<NextContinuationToken>${next}</NextContinuationToken>`,
      ...keys.map(
        (key) =>
          `<Contents><Key>${key}</Key><LastModified>2026-11-27T10:00:00.000Z</LastModified><Size>${size(key)}</Size></Contents>`,
      ),
      ...[...folders].map((folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`),
      "</ListBucketResult>",
    ].join("");
  }
}

/** Files of a base backup that started in the second segment, as WAL-G stores them. */
function storedBackup(folder: string): Record<string, string | Buffer> {
  const name = "base_000000010000000000000002";
  const [start_time, finish_time] = ["2026-11-27T10:00:00Z", "2026-11-27T10:01:00Z"];
  const metadata = `"start_time":"${start_time}","finish_time":"${finish_time}","date_fmt":"%Y-%m-%dT%H:%M:%S.%fZ","hostname":"h","data_dir":"/d","pg_version":180006,"start_lsn":33554472,"finish_lsn":33554720,"is_permanent":false,"system_identifier":7712791328302178412,"uncompressed_size":20971520,"compressed_size":2`;
  const parts = { "pg_control.tar.gz": gzipSync("control"), "part_001.tar.gz": gzipSync("part") };
  const list = Object.entries(parts).map(([part, content]) => [part, content.length]);
  return {
    [`${folder}basebackups_005/${name}_backup_stop_sentinel.json`]: `{"LSN":33554472,"PgVersion":180006,"FinishLSN":33554720,"SystemIdentifier":7712791328302178412,"Version":2}`,
    [`${folder}basebackups_005/${name}/metadata.json`]: `{${metadata}}`,
    ...Object.fromEntries(
      Object.entries(parts).map(([part, content]) => [
        `${folder}basebackups_005/${name}/tar_partitions/${part}`,
        content,
      ]),
    ),
    [`${folder}postgres-stack/backups/${name}.json`]: JSON.stringify({ name, parts: list }),
  };
}

/** An archive of a base backup and so many segments, with our marks; of the segments only the names are there. */
export function largeArchive(segments: number): LargeStore {
  const folder = "large/18/";
  const reach = { segment: segmentName(segments), at: Date.UTC(2026, 11, 1) * 1000 };
  return new LargeStore(
    { ...storedBackup(folder), [`${folder}postgres-stack/reach.json`]: `${JSON.stringify(reach)}\n` },
    { folder: `${folder}wal_005/`, first: 1, last: segments },
  );
}
