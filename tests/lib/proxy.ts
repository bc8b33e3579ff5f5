import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** S3's refusal. */
function forbidden(code: string, message: string): string {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const head = `HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close`;
  return `${head}\r\n\r\n${body}`;
}

/** S3's answer to a key that was revoked. */
const REVOKED = forbidden(
  "InvalidAccessKeyId",
  "The access key ID you provided does not exist in our records.",
);
/** S3's answer to a deletion that the key may not make. */
const NO_DELETION = forbidden("AccessDenied", "Access Denied");
/** How a request begins that deletes one object, or several. */
const DELETION = /^(DELETE |POST \S*[?&]delete\b)/;

/** A direction in which so many bytes a second pass; all connections share them. */
class Line {
  rate = Number.POSITIVE_INFINITY;
  /** When what was sent so far has passed at that rate, in milliseconds since 1970. */
  private busyUntil = 0;

  limit(bytesPerSecond: number): void {
    this.rate = bytesPerSecond;
    this.busyUntil = 0;
  }

  /** Waits until so many bytes have passed after what was sent before. */
  async turn(bytes: number): Promise<void> {
    if (!Number.isFinite(this.rate)) return;
    const now = Date.now();
    this.busyUntil = Math.max(this.busyUntil, now) + (bytes / this.rate) * 1000;
    await new Promise((resolve) => setTimeout(resolve, this.busyUntil - now));
  }
}

/** A TCP proxy on this machine in front of the object store, so that a test can take the store away and give it back. */
export class StoreProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  private revoked = false;
  private deletesForbidden = false;
  private readonly down = new Line();
  private readonly up = new Line();
  /** Settled unless the proxy hangs. */
  private flowing = Promise.resolve();
  private flow = () => {};

  /** @param target `http://host:port`, an address of this machine that pods and containers reach */
  constructor(private readonly target: URL) {}

  /** Where pods and containers find the proxy: the target's host, another port. */
  get endpoint(): string {
    return `http://${this.target.hostname}:${this.port}`;
  }

  start(): Promise<void> {
    const server = createServer((incoming) => this.serve(incoming));
    this.server = server;
    return new Promise((resolve, reject) => {
      server.on("error", reject).listen(this.port, "0.0.0.0", () => {
        this.port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Refuses new connections and cuts those that are open. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.server) return resolve();
      this.server.close(() => resolve());
      this.cut();
    });
  }

  /** Lets everything stand still, connections that are open and new ones, until `resume`. */
  hang(): void {
    this.flowing = new Promise((resolve) => {
      this.flow = resolve;
    });
  }

  resume(): void {
    this.flow();
  }

  /** From now on the store sends so many bytes a second. */
  throttle(bytesPerSecond: number): void {
    this.down.limit(bytesPerSecond);
  }

  /** From now on the store receives so many bytes a second. */
  throttleUploads(bytesPerSecond: number): void {
    this.up.limit(bytesPerSecond);
  }

  /** Cuts the connections, and answers every request as S3 does when the access key was revoked. */
  revoke(): void {
    this.revoked = true;
    this.cut();
  }

  /** Takes back `hang` and `revoke`. */
  heal(): void {
    this.revoked = false;
    this.resume();
  }

  /** From now on refuses to delete anything. */
  forbidDeletes(): void {
    this.deletesForbidden = true;
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(incoming: Socket): void {
    this.keep(incoming);
    if (this.revoked) {
      incoming.once("data", () => incoming.end(REVOKED));
      return;
    }
    const outgoing = connect(Number(this.target.port), this.target.hostname);
    this.keep(outgoing);
    void this.pass(incoming, outgoing, this.up);
    void this.pass(outgoing, incoming, this.down);
  }

  /** Notes a connection as open, to be cut. */
  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => {}).on("close", () => this.sockets.delete(socket));
  }

  /** Hands on what comes, a piece at a time, when it is its turn on the line. */
  private async pass(from: Socket, to: Socket, line: Line): Promise<void> {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        await this.flowing;
        if (this.deletesForbidden && DELETION.test(piece.toString("latin1", 0, 4096))) {
          from.end(NO_DELETION);
          to.destroy();
          return;
        }
        await line.turn(piece.length);
        await new Promise<void>((resolve, reject) =>
          to.write(piece, (error) => (error ? reject(error) : resolve())),
        );
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}
