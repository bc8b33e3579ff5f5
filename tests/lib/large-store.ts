import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const PAGE = 1000;
const SEGMENT = /([0-9A-F]{24})\.lz4$/;

const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, "0");

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
    return `${this.wal.folder}${hex(1)}${hex(Math.floor(number / 256))}${hex(number % 256)}.lz4`;
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
