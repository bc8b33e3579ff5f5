import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy on this machine in front of the object store, so that a test can take the store away and give it back. */
export class StoreProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;

  /** @param target `http://host:port`, an address of this machine that pods reach */
  constructor(private readonly target: URL) {}

  /** Where pods find the proxy: the target's host, another port. */
  get endpoint(): string {
    return `http://${this.target.hostname}:${this.port}`;
  }

  start(): Promise<void> {
    const server = createServer((incoming) => {
      const outgoing = connect(Number(this.target.port), this.target.hostname);
      for (const socket of [incoming, outgoing]) {
        this.sockets.add(socket);
        socket
          .on("error", () => {})
          .on("close", () => {
            this.sockets.delete(socket);
            incoming.destroy();
            outgoing.destroy();
          });
      }
      incoming.pipe(outgoing).pipe(incoming);
    });
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
      for (const socket of this.sockets) socket.destroy();
    });
  }
}
